//! The subcommand `simulate`: the four platforms, played on this machine.

use crate::cli::Simulate;
use crate::output::line;
use crate::serve::stop_signal;
use adapters::clock::SystemClock;
use adapters::simulator::{Apps, Options, Plan, Simulator};
use anyhow::Context;
use commands::ports::Clock;
use domain::Platform;

pub(crate) async fn run(arguments: &Simulate) -> anyhow::Result<()> {
    let options = Options {
        seed: arguments.seed,
        creators: arguments.creators,
        start: arguments.start.unwrap_or_else(|| SystemClock.now()),
        speed: arguments.speed,
        plan: arguments.plan.map(Plan::of_seed),
        apps: Apps::default(),
    };
    let simulator = Simulator::bind(arguments.listen, options)
        .await
        .with_context(|| format!("cannot simulate on {}", arguments.listen))?;
    let handle = simulator.handle();
    let base = handle.base();
    line(format!("Simulating on {base}"));
    line("");
    line(
        "Nothing here is real. A client asks {base}/{host}{path} instead of https://{host}{path}:",
    );
    line(format!("  PLATFORMS_BASE_URL={base}"));
    line("");
    line("The apps that are registered (client id, secret):");
    for platform in Platform::ALL {
        let app = handle.apps().of(platform);
        line(format!(
            "  {:<10} {} {}",
            platform.name(),
            app.client_id,
            app.secret
        ));
    }
    line("");
    line("The creators:");
    for creator in 0..handle.world().creators().min(6) {
        let name = handle.world().name(creator).unwrap_or_default();
        line(format!("  {creator}  {name}"));
    }
    line("");
    line(format!(
        "What can be seen and done: {base}/_simulator/state (docs/simulator.md)"
    ));
    simulator.run(stop_signal()).await?;
    Ok(())
}
