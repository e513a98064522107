//! Generated history: accounts with posts that are looked at again and again, as a CSV file.

use std::io::{BufWriter, Write};
use std::path::Path;
use tests::rng::Rng;

/// Posts of each account.
pub(crate) const POSTS: usize = 250;
/// How often each post is looked at.
pub(crate) const INSTANTS: usize = 10;

/// The mapping of the generated file.
pub(crate) const MAPPING: &str = r#"
name = "generated"
description = "Generated history of the benchmark."
creator = { const = "bench" }
platform = { const = "instagram" }

[[table]]
name = "posts"
files = "posts.csv"
format = "csv"
account = { column = "account" }
observed_at = { column = "at", time = "unix" }

[table.post]
id = { column = "post" }
title = { column = "title" }

[table.post.metrics]
views = { column = "views" }
likes = { column = "likes" }
comments = { column = "comments" }
"#;

/// Writes about so many rows, account by account and instant by instant, and returns how many.
pub(crate) fn write(folder: &Path, rows: usize) -> anyhow::Result<usize> {
    std::fs::write(folder.join("mapping.toml"), MAPPING)?;
    let file = std::fs::File::create(folder.join("posts.csv"))?;
    let mut out = BufWriter::with_capacity(1 << 20, file);
    writeln!(out, "account,at,post,title,views,likes,comments")?;
    let accounts = rows.div_ceil(POSTS * INSTANTS);
    let mut rng = Rng::new(7);
    let mut written = 0;
    for instant in 0..INSTANTS {
        let at = 1_767_225_600 + instant * 86_400;
        for account in 0..accounts {
            for post in 0..POSTS {
                let views = (post * 37 + account) * (instant + 1) + rng.below(90) as usize;
                let likes = views * (30 + post % 60) / 1_000;
                let comments = likes / 20;
                writeln!(
                    out,
                    "acc-{account},{at},post-{account}-{post},A title of post {post},{views},\
                     {likes},{comments}"
                )?;
                written += 1;
            }
        }
    }
    out.flush()?;
    Ok(written)
}
