//! The apps that are registered at the simulated platforms.

use domain::Platform;

/// An app as its developer registered it. Its secret opens nothing but a simulation.
#[derive(Clone)]
pub struct App {
    /// The client id, or client key.
    pub client_id: String,
    /// The client secret.
    pub secret: String,
    /// Where people may be sent back to; if none is registered, to any place.
    pub redirect_uris: Vec<String>,
}

/// The app of each platform.
#[derive(Clone)]
pub struct Apps {
    apps: [App; 4],
}

impl Default for Apps {
    /// The apps of the demonstration; they are documented and obviously not real.
    fn default() -> Self {
        let app = |client_id: &str, secret: &str| App {
            client_id: client_id.to_owned(),
            secret: secret.to_owned(),
            redirect_uris: Vec::new(),
        };
        Self {
            apps: Platform::ALL.map(|platform| match platform {
                Platform::Facebook => app("1000000000000002", "simulated-facebook-secret"),
                Platform::Instagram => app("1000000000000001", "simulated-instagram-secret"),
                Platform::Tiktok => app("simulatedtiktokkey", "simulated-tiktok-secret"),
                Platform::Youtube => app(
                    "simulated.apps.googleusercontent.example",
                    "simulated-google-secret",
                ),
            }),
        }
    }
}

impl Apps {
    /// The app of a platform.
    pub fn of(&self, platform: Platform) -> &App {
        let [facebook, instagram, tiktok, youtube] = &self.apps;
        match platform {
            Platform::Facebook => facebook,
            Platform::Instagram => instagram,
            Platform::Tiktok => tiktok,
            Platform::Youtube => youtube,
        }
    }

    /// Registers another app for a platform.
    pub fn register(&mut self, platform: Platform, app: App) {
        let [facebook, instagram, tiktok, youtube] = &mut self.apps;
        *match platform {
            Platform::Facebook => facebook,
            Platform::Instagram => instagram,
            Platform::Tiktok => tiktok,
            Platform::Youtube => youtube,
        } = app;
    }
}

impl App {
    /// Whether people may be sent back there.
    pub(super) fn allows(&self, redirect_uri: &str) -> bool {
        let is_web = ["http://", "https://"]
            .iter()
            .any(|it| redirect_uri.starts_with(it));
        let is_known = self.redirect_uris.iter().any(|it| it == redirect_uri);
        is_web && (self.redirect_uris.is_empty() || is_known)
    }
}
