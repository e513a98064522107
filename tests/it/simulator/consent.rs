//! The consent page: as people see it, as they use it, and where nobody is asked at all.

use super::instagram::{PLATFORM, authorize};
use super::scene::{BACK, Scene, start};
use adapters::platforms::{Callback, Consent};
use adapters::simulator::{App, Apps, Options};
use anyhow::ensure;
use domain::Platform;

#[tokio::test]
async fn people_choose_on_a_page_without_scripts() -> anyhow::Result<()> {
    let scene = Scene::new().await?;
    let url = scene.here(&authorize(&scene, ""));
    let page = scene.client.get(&url).send().await?;
    ensure!(page.status() == 200);
    let html = page.text().await?;
    for part in [
        "<html lang=\"en\">",
        "<title>Simulated instagram</title>",
        "<label for=\"creator\">",
        "Pip Quillfeather",
        "value=\"instagram_business_manage_insights\" checked>",
        "value=\"instagram_business_basic\" checked disabled>",
        "value=\"allow\">Allow",
        "value=\"deny\">Deny",
        "nobody here is real",
    ] {
        ensure!(html.contains(part), "{part} in {html}");
    }
    ensure!(!html.contains("<script"), "{html}");
    // The page's buttons: with the insights unticked, as creator 3.
    let form = [("decision", "allow"), ("creator", "3")];
    let answer = scene.client.post(&url).form(&form).send().await?;
    let to = answer.headers()["location"].to_str()?.to_owned();
    let Consent::Given { code, .. } = Callback::parse(&to)?.consent else {
        anyhow::bail!("{to}")
    };
    let secret = scene.app(PLATFORM).secret;
    let seen = super::instagram::redeem(&scene, code.expose(), BACK, &secret).await?;
    ensure!(seen.json["permissions"] == serde_json::json!(["instagram_business_basic"]));
    ensure!(
        seen.json["user_id"].as_i64().map(|it| it.to_string())
            == Some(scene.truth(PLATFORM, 3)?.account)
    );
    let answer = scene
        .client
        .post(&url)
        .form(&[("decision", "deny")])
        .send()
        .await?;
    let to = answer.headers()["location"].to_str()?.to_owned();
    ensure!(
        matches!(Callback::parse(&to)?.consent, Consent::Denied),
        "{to}"
    );
    // A creator that there is not is a mistake that the page tells.
    let form = [("decision", "allow"), ("creator", "99")];
    let answer = scene.client.post(&url).form(&form).send().await?;
    ensure!(answer.status() == 400 && answer.text().await?.contains("no creator"));
    Ok(())
}

#[tokio::test]
async fn every_platform_says_no_in_its_own_words() -> anyhow::Result<()> {
    let scene = Scene::new().await?;
    let apps = Platform::ALL.map(|it| (it, scene.app(it).client_id));
    for (platform, id) in apps {
        let url = match platform {
            Platform::Facebook => format!(
                "https://www.facebook.com/v25.0/dialog/oauth?client_id={id}&scope=pages_show_list"
            ),
            Platform::Instagram => format!(
                "https://www.instagram.com/oauth/authorize?client_id={id}&scope=instagram_business_basic"
            ),
            Platform::Tiktok => format!(
                "https://www.tiktok.com/v2/auth/authorize/?client_key={id}&scope=user.info.basic"
            ),
            Platform::Youtube => {
                format!("https://accounts.google.com/o/oauth2/v2/auth?client_id={id}&scope=openid")
            }
        };
        let url = format!("{url}&response_type=code&state=xyz&redirect_uri={BACK}");
        let to = scene.sent_to(&format!("{url}&simulate=deny")).await?;
        let callback = Callback::parse(&to)?;
        ensure!(matches!(callback.consent, Consent::Denied), "{to}");
        ensure!(
            callback.state.is_some_and(|it| it.expose() == "xyz"),
            "{to}"
        );
        // Nobody is sent anywhere that the app did not register, nor for a stranger's app.
        for (from, to) in [
            (id.as_str(), "stranger"),
            (BACK, "javascript:alert(1)"),
            ("scope=", "scope=nonsense,"),
        ] {
            let url = format!("{url}&simulate=allow").replace(from, to);
            let answer = scene.client.get(scene.here(&url)).send().await?;
            ensure!(answer.status() == 400, "{platform}: {url}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn only_registered_addresses_are_sent_back_to() -> anyhow::Result<()> {
    let mut apps = Apps::default();
    let app = App {
        client_id: "42".to_owned(),
        secret: "s".to_owned(),
        redirect_uris: vec![BACK.to_owned()],
    };
    apps.register(Platform::Instagram, app);
    let options = Options {
        apps,
        ..Options::at(start())
    };
    let scene = Scene::with(options).await?;
    let allow = authorize(&scene, "simulate=allow");
    scene.code(&allow).await?;
    let other = allow.replace("callback", "callback/");
    let answer = scene.client.get(scene.here(&other)).send().await?;
    ensure!(answer.status() == 400);
    Ok(())
}
