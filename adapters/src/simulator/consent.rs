//! The consent page: who asks, for what, and a person who allows or denies it.
//!
//! People get a page without scripts. Machines add `simulate=allow` or `simulate=deny` to the
//! address and get what the page's buttons lead to.

use super::answer::Answer;
use super::grants::Grant;
use super::play::{Call, Core};
use super::request::{Asked, with_params};
use super::scopes::{self, Scopes};
use super::world::AccountKey;
use domain::Platform;
use std::fmt::Write;

/// The most creators that a page offers; others are named in the address.
const MAX_OFFERED: u32 = 50;

/// A request for consent that is in order.
pub(super) struct Wish {
    pub(super) platform: Platform,
    pub(super) redirect_uri: String,
    pub(super) state: Option<String>,
    /// What is asked for.
    pub(super) scopes: Scopes,
    /// Whether a person can untick scopes.
    pub(super) all_or_nothing: bool,
}

/// How a person decided.
enum Decision {
    Denied,
    Allowed(Grant),
}

/// Asks the person, and gives the page to do it, or the way back: with `denied`, or with what
/// `allowed` makes of the grant.
pub(super) fn authorize(
    core: &Core,
    call: &Call<'_>,
    platform: Platform,
    wish: Result<Wish, String>,
    denied: &[(&str, &str)],
    allowed: impl FnOnce(&Wish, Grant) -> Answer,
) -> Answer {
    let wish = match wish {
        Ok(wish) => wish,
        Err(why) => return refused(platform, &why),
    };
    match decide(core, call, &wish) {
        Err(page) => page,
        Ok(Decision::Denied) => back(&wish, denied),
        Ok(Decision::Allowed(grant)) => allowed(&wish, grant),
    }
}

/// The decision that came along, or the page to take it on.
fn decide(core: &Core, call: &Call<'_>, wish: &Wish) -> Result<Decision, Answer> {
    let asked = call.asked;
    let decision = asked.form("decision").or_else(|| asked.query("simulate"));
    match decision {
        None => Err(page(core, asked, wish, "")),
        Some("deny") => Ok(Decision::Denied),
        Some("allow") => allow(core, call, wish).map_err(|why| page(core, asked, wish, &why)),
        Some(_) => Err(page(core, asked, wish, "Choose Allow or Deny.")),
    }
}

fn allow(core: &Core, call: &Call<'_>, wish: &Wish) -> Result<Decision, String> {
    let asked = call.asked;
    let hint = ["creator", "simulate_creator", "login_hint"];
    let hint = hint.iter().find_map(|name| asked.param(name));
    let creator = match hint {
        None => 0,
        Some(hint) => core
            .world
            .find(hint)
            .ok_or_else(|| format!("There is no creator {hint:?} in this world."))?,
    };
    let required = Scopes::required(wish.platform);
    let scopes = match asked.param("scopes") {
        _ if wish.all_or_nothing => wish.scopes,
        Some(named) => Scopes::parse(wish.platform, named)
            .map_err(|unknown| format!("{unknown:?} is not a scope of {}.", wish.platform))?,
        // Of the page's boxes only those that are ticked come along.
        None if asked.form("decision").is_some() => asked
            .all("granted")
            .filter_map(|name| Scopes::parse(wish.platform, name).ok())
            .fold(Scopes::default(), Scopes::or),
        None => wish.scopes,
    };
    let scopes = scopes.or(required).and(wish.scopes);
    Ok(Decision::Allowed(Grant {
        id: core.grants.new_id(call.at),
        platform: wish.platform,
        creator,
        accounts: accounts(core, asked, wish.platform, creator)?,
        scopes,
        asked: wish.scopes,
        generation: 0,
        rotation: 0,
        since: call.now,
    }))
}

/// The accounts that were chosen: several Pages on Facebook, one account elsewhere.
fn accounts(core: &Core, asked: &Asked, platform: Platform, creator: u32) -> Result<u8, String> {
    let all = core.world.accounts(creator, platform);
    let wanted: Vec<_> = asked.all("account").filter(|it| !it.is_empty()).collect();
    if wanted.is_empty() {
        let several = platform == Platform::Facebook;
        let chosen = all.iter().take(if several { all.len() } else { 1 });
        return Ok(chosen.fold(0, |bits, it| bits | 1 << it.key.ordinal));
    }
    wanted.iter().try_fold(0, |bits, wanted| {
        let found = all.iter().find(|it| name_of(it.key) == *wanted);
        let found = found.filter(|_| bits == 0 || platform == Platform::Facebook);
        found
            .map(|it| bits | 1 << it.key.ordinal)
            .ok_or_else(|| format!("{wanted:?} is not an account that can be chosen here."))
    })
}

/// How an account is named on the page and in the parameter `account`: creator and ordinal.
fn name_of(account: AccountKey) -> String {
    format!("{}-{}", account.creator, account.ordinal)
}

/// The way back, with what the person decided.
pub(super) fn back(wish: &Wish, params: &[(&str, &str)]) -> Answer {
    let mut all = params.to_vec();
    if let Some(state) = &wish.state {
        all.push(("state", state));
    }
    Answer::redirect(with_params(&wish.redirect_uri, &all))
}

/// A page that says why nobody can be asked at all.
fn refused(platform: Platform, why: &str) -> Answer {
    let body = format!("<h1>{platform}</h1><p role=\"alert\">{}</p>", escaped(why));
    Answer::html(400, document(&format!("{platform}: error"), &body))
}

fn page(core: &Core, asked: &Asked, wish: &Wish, problem: &str) -> Answer {
    let platform = wish.platform;
    let app = escaped(&core.apps.of(platform).client_id);
    let mut body = format!(
        "<h1>Simulated {platform}: allow access?</h1>\n\
         <p>This is not {platform}. It is a simulator; nobody here is real.</p>\n"
    );
    if !problem.is_empty() {
        let _written = writeln!(body, "<p role=\"alert\">{}</p>", escaped(problem));
    }
    let _written = write!(
        body,
        "<p>The app <strong>{app}</strong> asks for access, and sends you back to \
         <code>{}</code>.</p>\n<form method=\"post\">\n",
        escaped(&wish.redirect_uri)
    );
    people(core, asked, platform, &mut body);
    boxes(wish, &mut body);
    body.push_str(
        "<p><button name=\"decision\" value=\"allow\">Allow</button>\n\
         <button name=\"decision\" value=\"deny\">Deny</button></p>\n</form>\n",
    );
    let status = if problem.is_empty() { 200 } else { 400 };
    Answer::html(status, document(&format!("Simulated {platform}"), &body))
}

/// Who consents, and for which accounts.
fn people(core: &Core, asked: &Asked, platform: Platform, body: &mut String) {
    let chosen = asked
        .param("creator")
        .and_then(|hint| core.world.find(hint));
    body.push_str(
        "<p><label for=\"creator\">Continue as</label>\n<select id=\"creator\" name=\"creator\">\n",
    );
    let offered = core.world.creators().min(MAX_OFFERED);
    for creator in (0..offered).chain(chosen.filter(|it| *it >= offered)) {
        let name = escaped(&core.world.name(creator).unwrap_or_default());
        let selected = if chosen == Some(creator) {
            " selected"
        } else {
            ""
        };
        let _written = writeln!(
            body,
            "<option value=\"{creator}\"{selected}>{name}</option>"
        );
    }
    body.push_str("</select></p>\n");
    let kind = match platform {
        Platform::Facebook => "checkbox",
        _ => "radio",
    };
    let several = (0..offered).filter(|it| core.world.accounts(*it, platform).len() > 1);
    let several: Vec<_> = several.collect();
    if several.is_empty() {
        return;
    }
    body.push_str(
        "<fieldset><legend>Which of several accounts (none ticked: the usual)</legend>\n",
    );
    for account in several
        .into_iter()
        .flat_map(|it| core.world.accounts(it, platform))
    {
        let (value, name) = (name_of(account.key), escaped(&account.name()));
        let _written = writeln!(
            body,
            "<p><input type=\"{kind}\" id=\"account-{value}\" name=\"account\" value=\"{value}\"> \
             <label for=\"account-{value}\">{name}</label></p>"
        );
    }
    body.push_str("</fieldset>\n");
}

/// A box for each scope that is asked for.
fn boxes(wish: &Wish, body: &mut String) {
    body.push_str("<fieldset><legend>What it may do</legend>\n");
    for scope in scopes::of(wish.platform) {
        if !wish.scopes.has(wish.platform, scope.name) {
            continue;
        }
        let locked = if scope.required || wish.all_or_nothing {
            " disabled"
        } else {
            ""
        };
        let (name, words) = (scope.name, scope.words);
        let _written = writeln!(
            body,
            "<p><input type=\"checkbox\" id=\"{name}\" name=\"granted\" value=\"{name}\" checked{locked}> \
             <label for=\"{name}\">{words} <small>({name})</small></label></p>"
        );
    }
    body.push_str("</fieldset>\n");
}

fn document(title: &str, body: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>{title}</title>\
         <style>body{{font:1rem/1.5 sans-serif;max-width:36rem;margin:2rem auto;padding:0 1rem}}\
         button{{font:inherit;padding:.5rem 1.5rem}}</style></head>\n<body><main>\n{body}</main></body>\n</html>\n"
    )
}

/// Text that is safe within a page and its attributes.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for at in text.chars() {
        match at {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}
