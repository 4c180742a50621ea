//! Recovery over the whole loop: thousands of failed deliveries, hundreds of repositories, slow answers, and limits. Time is simulated.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::support::estate::{ALL, Estate, INSTALLATION, NOTHING, QUICK, Run, Shown, World, naming, one, unfinished};

/// A slow answer.
const SLOW: Duration = Duration::from_millis(200);
/// Minutes in which a sweep may begin: even and odd ones, and every quarter of an hour.
const MINUTES: [i64; 4] = [1, 2, 3, 15];

#[tokio::test(start_paused = true)]
async fn with_two_thousand_failures_of_another_repository_before_it_a_run_is_decided_within_three_sweeps() {
    for minutes in MINUTES {
        let mut world = World::default();
        let (busy, ours) = (world.repository("octo-org/busy"), world.repository("octo-org/widgets"));
        let runs: Vec<u64> = (0..40).map(|_| world.run(busy, Run::undecidable())).collect();
        for (ago, run) in (100..2100).zip(runs.iter().cycle()) {
            world.fail(busy, *run, ago);
        }
        let run = world.run(ours, Run::waiting());
        world.fail(ours, run, 3000);
        let estate = Estate::start(ALL, world, (SLOW, minutes)).await;
        let sweeps = estate.sweep_until(3, |estate| estate.has_let_in(run)).await;
        assert!(sweeps.is_some(), "from minute {minutes}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_log_that_takes_longer_than_a_sweep_makes_it_incomplete_and_does_not_keep_the_newest_waiting() {
    for minutes in MINUTES {
        let mut world = World::default();
        let (busy, ours) = (world.repository("octo-org/busy"), world.repository("octo-org/widgets"));
        let ended = world.run(busy, Run { created: 24 * 60, ..Run::ended() });
        (100..4100).for_each(|ago| world.fail(busy, ended, ago));
        let run = world.run(ours, Run::waiting());
        world.fail(ours, run, 90);
        let estate = Estate::start(ALL, world, (SLOW, minutes)).await;
        let swept = estate.sweep().await;
        assert!(swept.left > 0, "{minutes}: {swept:?}");
        assert!(estate.has_let_in(run) || estate.sweep_until(1, |estate| estate.has_let_in(run)).await.is_some());
    }
}

#[tokio::test(start_paused = true)]
async fn forty_waiting_runs_of_one_repository_do_not_use_up_a_sweep() {
    for minutes in MINUTES {
        let mut world = World::default();
        let (busy, ours) = (world.repository("octo-org/busy"), world.repository("octo-org/widgets"));
        for _ in 0..40 {
            world.lost(busy, Run::undecidable());
        }
        let run = world.lost(ours, Run::waiting());
        let estate = Estate::start(ALL, world, (SLOW, minutes)).await;
        let swept = estate.sweep().await;
        assert!(estate.has_let_in(run), "{minutes}: {:?}", unfinished(&swept));
        assert!(swept.left > 0, "{minutes}: {swept:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn of_many_waiting_runs_of_a_repository_each_gets_its_turn() {
    let (mut world, widgets) = one();
    for _ in 0..39 {
        world.lost(widgets, Run::undecidable());
    }
    // The newest, which is behind all that cannot be decided.
    let run = world.lost(widgets, Run { created: 9, ..Run::waiting() });
    let estate = Estate::start(ALL, world, (SLOW, 1)).await;
    let sweeps = estate.sweep_until(40, |estate| estate.has_let_in(run)).await;
    assert!(sweeps.is_some());
}

#[tokio::test(start_paused = true)]
async fn of_many_deliveries_that_no_list_explains_each_gets_its_turn() {
    let (mut world, widgets) = one();
    for _ in 0..60 {
        world.lost(widgets, Run { shown: Shown::Unlisted, ..Run::ended() });
    }
    let run = world.lost(widgets, Run { shown: Shown::Unlisted, ..Run::waiting() });
    let estate = Estate::start(ALL, world, (QUICK, 1)).await;
    let swept = estate.sweep().await;
    // Eight are read in a sweep.
    assert_eq!(unfinished(&swept), (61 - 8, NOTHING.1));
    let sweeps = estate.sweep_until(16, |estate| estate.has_let_in(run)).await;
    assert!(sweeps.is_some());
}

#[tokio::test(start_paused = true)]
async fn a_repository_that_hardly_answers_does_not_keep_another_waiting() {
    for minutes in MINUTES {
        let mut world = World::default();
        let (slow, ours) = (world.repository("octo-org/slow"), world.repository("octo-org/widgets"));
        for _ in 0..5 {
            world.lost(slow, Run::waiting());
        }
        let run = world.lost(ours, Run::waiting());
        world.slow_down(slow, Duration::from_millis(2900));
        let estate = Estate::start(ALL, world, (SLOW, minutes)).await;
        let sweeps = estate.sweep_until(1, |estate| estate.has_let_in(run)).await;
        assert!(sweeps.is_some(), "{minutes}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_oldest_run_waits_for_no_other() {
    let (mut world, widgets) = one();
    let runs: Vec<u64> = (0..12).map(|age| world.lost(widgets, Run { created: 11 + age, ..Run::waiting() })).collect();
    // An even minute.
    let estate = Estate::start(ALL, world, (QUICK, 1)).await;
    estate.sweep().await;
    let oldest_first: Vec<u64> = runs.into_iter().rev().collect();
    assert_eq!(estate.with(|world| world.let_in()), oldest_first);
}

#[tokio::test(start_paused = true)]
async fn each_of_six_hundred_repositories_that_the_policy_names_is_reached() {
    let mut world = World::default();
    let names: Vec<String> = (0..600).map(|number| format!("octo-org/number-{number}")).collect();
    let repositories: Vec<usize> = names.iter().map(|name| world.repository(name)).collect();
    let runs: Vec<u64> = repositories.iter().step_by(25).map(|one| world.run(*one, Run::waiting())).collect();
    let estate = Estate::start(&naming(&names), world, (SLOW, 1)).await;
    // Some fifteen of the forty that are due fit into a sweep: twice the three quarters of an hour that are needed at least.
    let sweeps = estate.sweep_until(15 * 6, |estate| runs.iter().all(|run| estate.has_let_in(*run))).await;
    assert!(sweeps.is_some(), "{:?}", estate.with(|world| world.let_in().len()));
    let looked: BTreeSet<String> =
        estate.fake.calls().into_iter().filter(|call| call.name == "runs.1").map(|call| call.path).collect();
    assert!(looked.len() >= 550, "{}", looked.len());
}

#[tokio::test(start_paused = true)]
async fn each_of_a_hundred_repositories_with_failed_deliveries_is_reached() {
    let mut world = World::default();
    let mut runs = Vec::new();
    for number in 0..100 {
        let repository = world.repository(&format!("octo-org/number-{number}"));
        runs.push(world.lost(repository, Run::waiting()));
    }
    let estate = Estate::start(ALL, world, (SLOW, 1)).await;
    // Two at least fit into a sweep.
    let sweeps = estate.sweep_until(100, |estate| runs.iter().all(|run| estate.has_let_in(*run))).await;
    assert!(sweeps.is_some(), "{:?}", estate.with(|world| world.let_in().len()));
}

#[tokio::test(start_paused = true)]
async fn failed_deliveries_do_not_keep_the_policys_repositories_waiting() {
    let mut world = World::default();
    for number in 0..50 {
        let repository = world.repository(&format!("octo-org/number-{number}"));
        for _ in 0..3 {
            world.lost(repository, Run::undecidable());
        }
    }
    let named = world.repository("octo-org/widgets");
    let run = world.run(named, Run::waiting());
    let policy =
        naming(&["octo-org/widgets".to_owned()]) + "[[rule]]\nrepositories = [\"octo-org/*\"]\nrefs = [\"x\"]\n";
    let estate = Estate::start(&policy, world, (SLOW, 15)).await;
    estate.sweep().await;
    assert!(estate.has_let_in(run));
}

#[tokio::test(start_paused = true)]
async fn a_star_is_swept_through_the_log_alone() {
    let (mut world, widgets) = one();
    world.run(widgets, Run::waiting());
    let estate = Estate::start(ALL, world, (QUICK, 0)).await;
    for _ in 0..15 {
        let swept = estate.sweep().await;
        assert_eq!((swept.calls, unfinished(&swept)), (1, NOTHING));
    }
}

#[tokio::test(start_paused = true)]
async fn a_limit_of_one_installation_does_not_end_the_work_on_another() {
    let mut world = World::default();
    let (ours, other) = (world.repository("octo-org/widgets"), world.repository("octo-org/other"));
    let (first, second) = (world.repository("octo-org/first"), world.repository("octo-org/second"));
    for repository in [other, first, second] {
        world.install(repository, 556);
        world.lost(repository, Run::waiting());
    }
    world.limit(556);
    let run = world.lost(ours, Run::waiting());
    for minutes in MINUTES {
        let mut again = World::default();
        std::mem::swap(&mut again, &mut world);
        let estate = Estate::start(ALL, again, (QUICK, minutes)).await;
        let swept = estate.sweep().await;
        assert!(estate.has_let_in(run) && !swept.is_complete(), "{minutes}: {swept:?}");
        // One call told of the limit; the others of the installation are left.
        assert_eq!((swept.problems.len(), swept.left), (1, 2), "{minutes}: {swept:?}");
        world = estate.with(std::mem::take);
        world.run_mut(run).waits = true;
    }
}

#[tokio::test(start_paused = true)]
async fn one_repository_does_not_use_up_what_is_left_of_its_installations_hour() {
    for minutes in MINUTES {
        let mut world = World::default();
        let (busy, ours) = (world.repository("octo-org/busy"), world.repository("octo-org/widgets"));
        for _ in 0..40 {
            world.lost(busy, Run::undecidable());
        }
        let run = world.lost(ours, Run::waiting());
        // The last 100 of 1,000 are kept for deliveries.
        world.leave_calls(INSTALLATION, 160);
        let estate = Estate::start(ALL, world, (QUICK, minutes)).await;
        estate.sweep().await;
        assert!(estate.has_let_in(run), "{minutes}");
    }
}

#[tokio::test(start_paused = true)]
async fn one_repository_does_not_use_up_the_points_of_a_minute() {
    for minutes in MINUTES {
        let mut world = World::default();
        let (busy, ours) = (world.repository("octo-org/busy"), world.repository("octo-org/widgets"));
        for _ in 0..90 {
            world.lost(busy, Run::waiting());
        }
        let run = world.lost(ours, Run::waiting());
        let estate = Estate::start(ALL, world, (QUICK, minutes)).await;
        let swept = estate.sweep().await;
        assert!(estate.has_let_in(run) && swept.left > 0, "{minutes}: {:?}", unfinished(&swept));
        let points: u32 = estate.fake.calls().iter().map(|call| if call.method == "GET" { 1 } else { 5 }).sum();
        assert!(points < 650, "{points}");
    }
}

#[tokio::test(start_paused = true)]
async fn two_sweeps_at_once_do_no_harm() {
    let (mut world, widgets) = one();
    let run = world.lost(widgets, Run::waiting());
    let estate = Estate::start(ALL, world, (QUICK, 1)).await;
    let (first, second) = estate.sweep_twice().await;
    assert_eq!(estate.with(|world| world.let_in()), [run]);
    assert_eq!((unfinished(&first), unfinished(&second)), (NOTHING, NOTHING));
}
#[tokio::test(start_paused = true)]
async fn deliveries_that_a_list_explains_leave_time_for_one_that_no_list_does() {
    for minutes in MINUTES {
        let mut world = World::default();
        for number in 0..10 {
            let repository = world.repository(&format!("octo-org/number-{number}"));
            for _ in 0..8 {
                world.lost(repository, Run::ended());
            }
        }
        let ours = world.repository("octo-org/widgets");
        let run = world.lost(ours, Run { shown: Shown::Unlisted, ..Run::waiting() });
        let estate = Estate::start(ALL, world, (QUICK, minutes)).await;
        let swept = estate.sweep().await;
        assert!(estate.has_let_in(run), "{minutes}");
        assert_eq!(unfinished(&swept), NOTHING, "{minutes}");
    }
}
