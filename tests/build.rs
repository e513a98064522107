//! Turns the protocol of the stand-in, written in `proto/`, into a gRPC server.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo:rerun-if-changed=proto");
    let files = [
        "proto/features.proto",
        "proto/gossip.proto",
        "proto/streams.proto",
    ];
    let protocol = protox::compile(files, ["proto"])?;
    tonic_build::configure()
        .build_client(false)
        .bytes(["."])
        .emit_rerun_if_changed(false)
        .compile_fds(protocol)?;
    Ok(())
}
