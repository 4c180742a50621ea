//! `gate setup`: from nothing to an App whose settings are at AWS and whose webhook leads to the function. Every step looks first what is there, so
//! that it goes on where it stopped, and nothing is overwritten.

mod next;
mod page;
mod plan;
mod saved;

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use environment_gate::causes::with_causes;
use environment_gate::config::{AwsVariables, Kept, Names, Vault, api_from_env, http_from_env, webhook_url_of_stack};
use environment_gate::gate::Policy;
use environment_gate::github::{
    App, Client, GithubError, Hook, Inspector, Limits, MadeApp, Manifest, convert, set_hook,
};
use environment_gate::handler::{Clock, Moment};
use environment_gate::model::{ApiUrl, RepositoryName, quoted};
use environment_gate::transport::Connections;
use secrecy::{ExposeSecret as _, SecretString};

use crate::Told;
use page::Page;

/// Where the webhook leads until the function is deployed: a name that is kept for examples (RFC 2606).
const NOWHERE: &str = "https://example.com/github/webhook";
/// Characters of an App's name at GitHub.
const NAME_CHARS_MAX: usize = 34;
/// How long the button may be thought over; GitHub's code is good for an hour.
const PAGE_TIME_MAX: Duration = Duration::from_hours(1);
/// Time for what is asked of GitHub in one step.
const STEP_TIME_MAX: Duration = Duration::from_secs(30);

/// What is to be set up.
#[derive(clap::Args)]
pub(crate) struct Setup {
    /// The policy, in TOML; needed until there is one at AWS.
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// The organisation that is to own the App; without it, the person who presses the button.
    #[arg(long, value_name = "ORGANISATION")]
    owner: Option<String>,
    /// The App's name, which is yours alone at GitHub; it can be changed before the button is pressed.
    #[arg(long)]
    name: Option<String>,
    /// The deployed stack, whose webhook the App is to call.
    #[arg(long, value_name = "STACK", conflicts_with = "webhook_url")]
    stack: Option<String>,
    /// The webhook that the App is to call, where it is not a stack's.
    #[arg(long, value_name = "URL")]
    webhook_url: Option<String>,
    /// Where the page for the browser listens; without it, on a free port.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Names at AWS begin so, where no variable of the function says otherwise.
    #[arg(long, default_value = "environment-gate")]
    prefix: String,
    /// Keep the App's id, secret and key in this folder, too, readable by you alone; a later run takes them from there.
    #[arg(long, value_name = "DIR")]
    save: Option<PathBuf>,
    /// Say what would be done, and do nothing.
    #[arg(long)]
    dry_run: bool,
}

type Done<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// Everything that a step needs.
struct Steps<'a> {
    asked: &'a Setup,
    api: ApiUrl,
    http: Connections,
    aws: AwsVariables,
    vault: Vault,
    client: Client,
    clock: Clock,
}

/// An App whose key is at hand.
struct Known {
    id: String,
    secret: SecretString,
    key: SecretString,
}

/// Goes from step to step, and says so.
pub(crate) fn setup(asked: &Setup) -> Told {
    if !asked.listen.ip().is_loopback() {
        let got = asked.listen;
        return Err(
            format!("`--listen`: got {got}, expected a loopback address: the page is for this machine alone").into()
        );
    }
    let (api, http, aws) = (api_from_env()?, http_from_env()?, AwsVariables::from_env()?);
    let vault = Vault::new(&http, &aws, Names::from_env_or(&asked.prefix)?);
    // GitHub makes a key: a call may take its time.
    let limits = Limits { call: STEP_TIME_MAX, ..Limits::default() };
    let client = Client::new(http.clone(), api.clone(), limits);
    let steps = Steps { asked, api, http, aws, vault, client, clock: Clock::system() };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let next = runtime.block_on(Box::pin(steps.go()))?;
    Ok((next, true))
}

impl Steps<'_> {
    /// All steps; gives what is to be done next.
    async fn go(&self) -> Done<String> {
        // What was asked for is looked at before anything is done.
        self.manifest(None, NOWHERE)?;
        let policy = self.policy()?;
        let webhook_url = self.webhook_url().await?;
        let kept = self.vault.look(self.clock.now()).await?;
        if self.asked.dry_run {
            return self.plan(&kept, webhook_url.as_deref());
        }
        self.keep_policy(&kept, policy.as_deref()).await?;
        let app = self.app(&kept, webhook_url.as_deref()).await?;
        let (slug, html_url) = self.connect(&app, webhook_url.as_deref()).await?;
        let install = format!("{html_url}/installations/new");
        Ok(next::told(self.vault.names(), &app.id, (&slug, &install), webhook_url.is_some()))
    }

    /// The policy that is to be put: one that does not parse is refused before anything is done.
    fn policy(&self) -> Done<Option<String>> {
        let Some(path) = &self.asked.policy else { return Ok(None) };
        let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
        Policy::parse(&text).map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(Some(text))
    }

    /// The webhook that the App is to call, as far as it is known.
    async fn webhook_url(&self) -> Done<Option<String>> {
        let url = match (&self.asked.stack, &self.asked.webhook_url) {
            (Some(stack), _) => webhook_url_of_stack(&self.http, &self.aws, (stack, self.clock.now())).await?,
            (None, Some(url)) => url.clone(),
            (None, None) => return Ok(None),
        };
        let base = url.strip_suffix("/github/webhook").unwrap_or_default();
        if ApiUrl::parse(base).is_err() {
            let got = quoted(&url);
            return Err(format!("the webhook's URL: got {got}, expected `https://…/github/webhook`").into());
        }
        Ok(Some(url))
    }

    async fn keep_policy(&self, kept: &Kept, policy: Option<&str>) -> Done<()> {
        let name = quoted(&self.vault.names().policy).to_string();
        let text = match (&kept.policy, policy) {
            (Some(there), Some(given)) if there.expose_secret() != given => {
                format!("SSM parameter {name} is there and says otherwise than the file: left as it is")
            }
            (Some(_), _) => format!("SSM parameter {name} is there already"),
            (None, Some(given)) => {
                self.vault.put_policy(given, self.clock.now()).await?;
                format!("put as SSM parameter {name}")
            }
            (None, None) => {
                return Err(format!(
                    "got no policy at SSM parameter {name}, expected one: give its file with `--policy`"
                )
                .into());
            }
        };
        Ok(say(1, "policy", text)?)
    }

    /// The App: the one that is there, the one that was saved, or one that a person makes now.
    async fn app(&self, kept: &Kept, webhook_url: Option<&str>) -> Done<Known> {
        let parts = (&kept.app_id, &kept.webhook_secret, &kept.private_key);
        let app = match parts {
            (Some(id), Some(secret), Some(key)) => {
                let id = id.expose_secret().trim().to_owned();
                say(2, "App", format!("id {}: its settings are there already", quoted(&id)))?;
                let secret = first_line(secret);
                if secret.expose_secret().is_empty() {
                    return Err(format!(
                        "SSM parameter `{}`: got no secret, expected one a line",
                        self.vault.names().webhook_secret
                    )
                    .into());
                }
                return Ok(Known { id, secret, key: key.clone() });
            }
            (None, None, None) => match saved::read(self.asked.save.as_deref())? {
                Some(app) => app,
                None => return self.make(webhook_url).await,
            },
            _ => return Err(self.half(kept).into()),
        };
        self.vault.make_place_for_key(self.clock.now()).await?;
        let app = self.put(app).await?;
        self.say_put(&app, "as it was saved")?;
        Ok(app)
    }

    /// A person makes the App in a browser. What is there afterwards is all of it, or nothing.
    async fn make(&self, webhook_url: Option<&str>) -> Done<Known> {
        // What may go wrong had better do so before there is an App.
        if let Some(folder) = &self.asked.save {
            saved::prepare(folder)?;
        }
        self.vault.make_place_for_key(self.clock.now()).await?;
        let mut page = Page::open(self.asked.listen).await?;
        let manifest = self.manifest(webhook_url, &page.come_back_to())?;
        page.show(&self.new_app_url(), &manifest);
        say(2, "App", format!("open {} in a browser and press the button; waiting, Ctrl-C stops", page.url()))?;
        let answer = tokio::select! {
            answer = page.code() => answer.ok_or("the page is gone")?,
            () = tokio::time::sleep(PAGE_TIME_MAX) => return Err("nobody pressed the button for an hour: run it again".into()),
            _ = tokio::signal::ctrl_c() => return Err("stopped before an App was made: run it again to go on".into()),
        };
        if let Err(error) = self.nothing_meanwhile().await {
            answer.tell("Not used: the terminal says why. Delete the App that was just made.");
            page.close().await;
            return Err(format!("{error}; the App that was just made is not used: delete it at GitHub").into());
        }
        let at = self.moment();
        let (told, text) = match convert(&self.client, &answer.code, (at.now, at.deadline)).await {
            Err(error @ GithubError::Unexpected { .. }) => {
                (Err(error.into()), "GitHub did not hand over the App. The terminal says why.")
            }
            Err(error) => {
                let look = "an App may have been made whose key nobody has: look for it in the owner's settings, and delete it";
                (
                    Err(format!("{}; {look}", with_causes(&error)).into()),
                    "GitHub did not hand over the App. The terminal says why.",
                )
            }
            Ok(made) => match self.take(made).await {
                Ok(known) => (Ok(known), "The App is made and its settings are kept. Go on in the terminal."),
                Err(error) => {
                    (Err(error), "The App is made, but its settings could not be kept. The terminal says what to do.")
                }
            },
        };
        answer.tell(text);
        page.close().await;
        told
    }

    /// A page may have waited for long: whoever was quicker is not overwritten.
    async fn nothing_meanwhile(&self) -> Done<()> {
        let kept = self.vault.look(self.clock.now()).await?;
        if kept.app_id.is_some() || kept.webhook_secret.is_some() || kept.private_key.is_some() {
            return Err(
                "settings of an App were put at AWS meanwhile: they are left as they are, and this App was not used"
                    .into(),
            );
        }
        Ok(())
    }

    /// Keeps what GitHub shows once.
    async fn take(&self, made: MadeApp) -> Done<Known> {
        let MadeApp { id, slug, html_url, webhook_secret, pem } = made;
        let secret = match webhook_secret.filter(|secret| !secret.expose_secret().is_empty()) {
            Some(secret) => secret,
            None => page::random()?.into(),
        };
        let known = Known { id: id.to_string(), secret, key: pem };
        let saved = self.asked.save.as_ref().map(|folder| saved::write(folder, &known));
        let made = format!("{} at {html_url}", quoted(&slug));
        let known = self.put(known).await.map_err(|error| {
            let mend = if matches!(saved, Some(Ok(()))) {
                "its key is saved: mend this and run it again".to_owned()
            } else {
                format!("its key is lost: delete the App under *Advanced* of its settings ({html_url}), mend this and run it again")
            };
            format!("{error}; the App {} was made, {mend}", quoted(&slug))
        })?;
        self.say_put(&known, &made)?;
        // At AWS it is kept all the same.
        saved.transpose()?;
        Ok(known)
    }

    async fn put(&self, app: Known) -> Done<Known> {
        let id = app.id.parse().map_err(|_| format!("got {} for the App's id, expected a number", quoted(&app.id)))?;
        self.vault.put_app(id, (&app.secret, &app.key), self.clock.now()).await?;
        Ok(app)
    }

    fn say_put(&self, app: &Known, what: &str) -> std::io::Result<()> {
        let Names { app_id, webhook_secret, private_key, .. } = self.vault.names();
        let id = &app.id;
        say(2, "App", format!("id {id}, {what}: put as `{app_id}`, `{webhook_secret}` and secret `{private_key}`"))
    }

    /// The App's webhook leads to the function.
    async fn connect(&self, known: &Known, webhook_url: Option<&str>) -> Done<(String, String)> {
        let at = self.moment();
        let app = App::new(&known.id, &known.key)?;
        let inspector = Inspector::new((&self.client, &app), at.now, at.deadline);
        let facts = inspector.app().await?;
        let hook = inspector.hook().await?;
        let now = hook.url.clone().unwrap_or_default();
        let leads_nowhere = now.is_empty() || now == NOWHERE;
        let is_tls = hook.insecure_ssl.is_none_or(|value| value == "0" || value == 0);
        let is_whole = hook.content_type.as_deref() == Some("json") && hook.secret.is_some() && is_tls;
        let text = match webhook_url {
            None if !leads_nowhere && is_whole => format!("leads to {}: left as it is", quoted(&now)),
            wanted => {
                let wanted = wanted.or(Some(now.as_str()).filter(|_| !leads_nowhere));
                let url = wanted.unwrap_or(NOWHERE);
                // Set even where it is right already: whether GitHub has the very same secret nobody can see.
                let hook = Hook { url, secret: &known.secret };
                set_hook((&self.client, &app), hook, (at.now, at.deadline)).await?;
                match wanted {
                    Some(url) => format!("leads to {}, as JSON, signed", quoted(url)),
                    None => "leads nowhere yet: the function is to be deployed".to_owned(),
                }
            }
        };
        say(3, "webhook", text)?;
        Ok((facts.slug, facts.html_url))
    }

    fn manifest(&self, webhook_url: Option<&str>, come_back_to: &str) -> Done<Manifest> {
        let owner = self.asked.owner.as_deref();
        if let Some(owner) = owner {
            RepositoryName::new(owner, "any").map_err(|error| format!("`--owner`: {error}"))?;
        }
        let name = match (&self.asked.name, owner) {
            (Some(name), _) => name.clone(),
            (None, Some(owner)) => format!("{owner} gate").chars().take(NAME_CHARS_MAX).collect(),
            (None, None) => format!("environment-gate-{}", page::random()?.chars().take(6).collect::<String>()),
        };
        if !(1..=NAME_CHARS_MAX).contains(&name.chars().count()) {
            return Err(format!("`--name`: got {}, expected 1 to {NAME_CHARS_MAX} characters", quoted(&name)).into());
        }
        let home = owner.map_or_else(|| self.api.web(), |owner| format!("{}/{owner}", self.api.web()));
        Ok(Manifest::new(name, home, webhook_url.unwrap_or(NOWHERE).to_owned(), come_back_to.to_owned()))
    }

    /// Where GitHub takes a manifest.
    fn new_app_url(&self) -> String {
        let web = self.api.web();
        match &self.asked.owner {
            Some(owner) => format!("{web}/organizations/{owner}/settings/apps/new"),
            None => format!("{web}/settings/apps/new"),
        }
    }

    fn moment(&self) -> Moment {
        Moment::begin(&self.clock, STEP_TIME_MAX)
    }
}

/// Says how far it is, at once.
fn say(step: u8, what: &str, text: impl std::fmt::Display) -> std::io::Result<()> {
    let mut out = std::io::stdout();
    writeln!(out, "{step} of 3  {what:<8}  {text}")?;
    out.flush()
}

/// The secret that GitHub has: while one is rotated, the new one stands first.
fn first_line(secrets: &SecretString) -> SecretString {
    secrets.expose_secret().lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default().into()
}
