//! A sweep tells the truth: it finds whatever waits, and is complete only if every failed delivery was matched to a run.

use environment_gate::recovery::Sweep;

use crate::support::estate::{ALL, Estate, NOTHING, QUICK, Run, Shown, World, naming, one, unfinished};

/// What one sweep of a world does, of every repository of the owner.
async fn sweep_once(world: World) -> (Estate, Sweep) {
    let estate = Estate::start(ALL, world, (QUICK, 1)).await;
    let swept = estate.sweep().await;
    (estate, swept)
}

#[tokio::test(start_paused = true)]
async fn a_page_of_the_log_that_cannot_be_read_does_not_take_those_before_it_along() {
    let (mut world, widgets) = one();
    let run = world.lost(widgets, Run::waiting());
    (500..700).for_each(|ago| world.fail(widgets, run, ago));
    world.break_log_after(1);
    let (estate, swept) = sweep_once(world).await;
    assert!(estate.has_let_in(run), "{swept:?}");
    assert!(swept.problems.iter().any(|problem| problem.contains("502")), "{swept:?}");
}

#[tokio::test(start_paused = true)]
async fn a_failed_delivery_that_cannot_be_read_is_a_problem_and_does_not_hold_up_the_others() {
    for field in ["id", "delivered_at", "repository_id", "installation_id"] {
        let (mut world, widgets) = one();
        let run = world.lost(widgets, Run::waiting());
        world.fail_without(field, widgets, run);
        let (estate, swept) = sweep_once(world).await;
        assert!(estate.has_let_in(run), "{field}: {swept:?}");
        assert_eq!((swept.problems.len(), swept.left), (1, 0), "{field}: {swept:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn thousands_of_failed_deliveries_whose_runs_have_ended_leave_a_sweep_complete() {
    let (mut world, widgets) = one();
    let ended: Vec<u64> = (0..50).map(|_| world.run(widgets, Run { created: 24 * 60, ..Run::ended() })).collect();
    for (ago, run) in (100..2100).zip(ended.iter().cycle()) {
        world.fail(widgets, *run, ago);
    }
    let (estate, swept) = sweep_once(world).await;
    assert_eq!((unfinished(&swept), estate.calls("deliveries")), (NOTHING, 20));
}

#[tokio::test(start_paused = true)]
async fn a_run_is_found_whatever_its_status_is_called() {
    for status in ["waiting", "in_progress", "queued", "pending", "requested", "brand_new"] {
        let (mut world, widgets) = one();
        let run = world.lost(widgets, Run { status, ..Run::waiting() });
        let (estate, swept) = sweep_once(world).await;
        assert!(estate.has_let_in(run), "{status}: {swept:?}");
        assert_eq!(unfinished(&swept), NOTHING, "{status}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_that_no_list_shows_is_found_by_its_delivery() {
    let (mut world, widgets) = one();
    // Another run of the same time is there.
    world.run(widgets, Run { waits: false, ..Run::waiting() });
    let run = world.lost(widgets, Run { shown: Shown::Unlisted, ..Run::waiting() });
    let (estate, swept) = sweep_once(world).await;
    assert!(estate.has_let_in(run), "{swept:?}");
    assert_eq!(unfinished(&swept), NOTHING);
}

#[tokio::test(start_paused = true)]
async fn a_run_behind_more_pages_than_are_read_is_found_by_its_delivery() {
    let (mut world, widgets) = one();
    let run = world.lost(widgets, Run { created: 60, ..Run::waiting() });
    for _ in 0..1200 {
        world.run(widgets, Run { status: "completed", ..Run::ended() });
    }
    let (estate, swept) = sweep_once(world).await;
    assert!(estate.has_let_in(run), "{:?}", unfinished(&swept));
    assert_eq!((unfinished(&swept), estate.calls("runs.10"), estate.calls("runs.11")), (NOTHING, 1, 0));
}

#[tokio::test(start_paused = true)]
async fn more_runs_than_are_listed_make_a_sweep_incomplete() {
    let (mut world, widgets) = one();
    for _ in 0..1200 {
        world.run(widgets, Run::ended());
    }
    let estate = Estate::start(&naming(&["octo-org/widgets".to_owned()]), world, (QUICK, 15)).await;
    let swept = estate.sweep().await;
    assert_eq!(unfinished(&swept), (1, NOTHING.1));
}

#[tokio::test(start_paused = true)]
async fn runs_are_listed_back_to_the_first_that_a_failed_delivery_may_be_about() {
    let (mut world, widgets) = one();
    for _ in 0..250 {
        world.run(widgets, Run { created: 5 * 24 * 60, ..Run::ended() });
    }
    world.lost(widgets, Run::waiting());
    let (estate, swept) = sweep_once(world).await;
    assert_eq!((unfinished(&swept), estate.calls("runs.1"), estate.calls("runs.2")), (NOTHING, 1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_run_that_has_waited_for_weeks_is_found_where_the_policy_names_its_repository() {
    let (mut world, widgets) = one();
    let weeks = 20 * 24 * 60;
    let run = world.run(widgets, Run { created: weeks, shown: Shown::AlsoAsWaiting, ..Run::waiting() });
    for _ in 0..150 {
        world.run(widgets, Run { created: weeks, ..Run::ended() });
    }
    let estate = Estate::start(&naming(&["octo-org/widgets".to_owned()]), world, (QUICK, 15)).await;
    let swept = estate.sweep().await;
    assert!(estate.has_let_in(run), "{swept:?}");
    assert_eq!(unfinished(&swept), NOTHING);
}

#[tokio::test(start_paused = true)]
async fn a_listed_run_that_cannot_be_read_is_a_problem_and_does_not_hold_up_the_others() {
    for field in ["created_at", "updated_at", "head_branch", "head_sha", "repository"] {
        let (mut world, widgets) = one();
        let unreadable = world.lost(widgets, Run { null: Some(field), ..Run::waiting() });
        let run = world.lost(widgets, Run::waiting());
        let (estate, swept) = sweep_once(world).await;
        assert!(estate.has_let_in(run), "{field}: {swept:?}");
        let names_it =
            |problem: &String| problem.contains(&unreadable.to_string()) && problem.contains("octo-org/widgets");
        assert!(!swept.is_complete() && swept.problems.iter().any(names_it), "{field}: {swept:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_sweep_is_complete_when_the_runs_of_all_failed_deliveries_have_ended_or_wait_for_nothing_of_ours() {
    let (mut world, widgets) = one();
    world.lost(widgets, Run::ended());
    world.lost(widgets, Run { waits: false, ..Run::waiting() });
    world.lost(widgets, Run { shown: Shown::Unlisted, ..Run::ended() });
    let (_, swept) = sweep_once(world).await;
    assert_eq!((unfinished(&swept), swept.found.len()), (NOTHING, 0));
}

#[tokio::test(start_paused = true)]
async fn an_undecidable_run_leaves_the_sweep_complete() {
    let (mut world, widgets) = one();
    world.lost(widgets, Run::undecidable());
    let (_, swept) = sweep_once(world).await;
    assert_eq!((unfinished(&swept), swept.found.len()), (NOTHING, 1));
}

#[tokio::test(start_paused = true)]
async fn a_run_that_github_does_not_show_is_taken_for_gone_an_hour_after_its_delivery() {
    for (ago, left) in [(600, 1), (3600, 0)] {
        let (mut world, widgets) = one();
        let run = world.run(widgets, Run { shown: Shown::Gone, ..Run::waiting() });
        world.fail(widgets, run, ago);
        let (estate, swept) = sweep_once(world).await;
        assert_eq!((unfinished(&swept), estate.calls("run")), ((left, NOTHING.1), 2), "{ago} s");
    }
}

#[tokio::test(start_paused = true)]
async fn what_waits_may_not_be_shown_for_a_minute_after_a_delivery() {
    // The sweep comes a minute after the story's present.
    for (ago, left) in [(-30, 1), (0, 0)] {
        let (mut world, widgets) = one();
        let run = world.run(widgets, Run { waits: false, ..Run::waiting() });
        world.fail(widgets, run, ago);
        let (_, swept) = sweep_once(world).await;
        assert_eq!(unfinished(&swept), (left, NOTHING.1), "{ago} s");
    }
}

#[tokio::test(start_paused = true)]
async fn deliveries_of_an_uninstalled_app_and_of_a_foreign_owner_are_nobodys() {
    let (mut world, widgets) = one();
    world.lost(widgets, Run::waiting());
    world.uninstall(widgets);
    let foreign = world.repository("else/where");
    world.lost(foreign, Run::waiting());
    let (estate, swept) = sweep_once(world).await;
    assert_eq!((unfinished(&swept), swept.found.len()), (NOTHING, 0));
    // What GitHub does not show is looked at twice.
    assert_eq!(estate.calls("access_tokens"), 3);
}

#[tokio::test(start_paused = true)]
async fn the_app_may_be_missing_where_the_policy_names_a_repository() {
    let (mut world, widgets) = one();
    world.uninstall(widgets);
    let estate = Estate::start(&naming(&["octo-org/widgets".to_owned()]), world, (QUICK, 15)).await;
    let swept = estate.sweep().await;
    assert_eq!((unfinished(&swept), estate.calls("installation")), (NOTHING, 2));
}
