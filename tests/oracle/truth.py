"""TRUTH.json worked out again from the raw files: what `oracle.py DATA_ROOT --truth` runs."""

import json
from collections import Counter, defaultdict

from oracle import instant, rows, stamp


def recompute(ledger, truth):
    """TRUTH.json again; of the given file only the questions are used (which account, which instant)."""
    def posts(dataset, metric):
        return {key[3]: (key, values) for key, values in ledger.series.items()
                if key[0] == dataset and key[3] is not None and key[4] == metric}

    def engagements(key, at):
        parts = [ledger.series.get((*key[:4], metric), {}).get(at) for metric in ("likes", "comments", "shares", "saves")]
        return None if parts == [None] * 4 else sum(part or 0 for part in parts)

    def followers(account, when, dataset="yt_tech_fr", platform="youtube"):
        return ledger.as_of((dataset, platform, account, None, "followers"), when)

    def second(at):
        return at.strftime("%Y-%m-%dT%H:%M:%SZ")

    videos = posts("yt_tech_fr", "views")
    daily = {key[2]: values for key, values in ledger.series.items()
             if key[0] == "yt_tech_fr" and key[3] is None and key[4] == "followers"}
    rated = []
    for post, (key, views) in videos.items():
        at = max(views)
        done = engagements(key, at)
        if (views[at] or 0) >= 10000 and done is not None:
            likes, comments = (ledger.series[(*key[:4], metric)][at] for metric in ("likes", "comments"))
            rated.append({"post": post, "account": key[2], "at": stamp(at), "views": views[at], "likes": likes,
                          "comments": comments, "engagements": done, "er_views": round(done / views[at], 6)})
    rated.sort(key=lambda row: -row["engagements"] / row["views"])
    as_of = []
    for asked in truth["yt_tech_fr"]["follower_asof"]:
        value, at = followers(asked["account"], instant(asked["t"]))
        as_of.append({"account": asked["account"], "t": asked["t"], "followers": value,
                      "snapshot_at": at and at.strftime("%Y-%m-%d")})
    pairs = [(followers(account, instant("2026-01-22T23:59:59Z"))[0], followers(account, instant("2026-02-15T23:59:59Z"))[0])
             for account in daily]
    pairs = [(start, end) for start, end in pairs if start is not None and start >= 10000 and end is not None]
    growth = []
    for asked in truth["decred_multi"]["growth_2021-01-01_to_2023-12-31"]:
        (start, start_at), (end, end_at) = (followers(asked["account"], instant(day), "decred_multi", asked["platform"])
                                            for day in ("2021-01-01", "2023-12-31"))
        growth.append({"platform": asked["platform"], "account": asked["account"],
                       "start": {"v": start, "at": second(start_at)}, "end": {"v": end, "at": second(end_at)},
                       "delta": end - start, "growth_pct": round(100 * (end - start) / start, 4)})
    pages, undefined = defaultdict(list), []
    for post, (key, values) in posts("fb_pages_2016", "likes").items():
        done = engagements(key, max(values))
        pages[key[2]].append(done or 0)
        if done is None:
            undefined.append(post)
    by_page = [{"account": page, "posts": len(done), "engagements": sum(done)} for page, done in pages.items()]
    histogram = Counter(str(len(values)) for _, values in videos.values())
    return {
        "yt_tech_fr": {
            "counts": {"accounts_in_reference": sum(1 for _ in rows(ledger.root / "yt_tech_fr" / "channels_reference.csv")),
                       "follower_rows": sum(len(values) for values in daily.values()),
                       "accounts_with_follower_rows": len(daily),
                       "post_snapshot_rows": sum(len(values) for _, values in videos.values()),
                       "distinct_posts": len(videos)},
            "snapshots_per_post_histogram": dict(histogram),
            "top5_er_views_latest_min10000views": rated[:5],
            "follower_asof": as_of,
            "growth_as_of_2026-01-22T23:59:59Z_to_2026-02-15T23:59:59Z_accounts_with_at_least_10000_at_start": {
                "accounts": len(pairs), "sum_start": sum(s for s, _ in pairs), "sum_end": sum(e for _, e in pairs)}},
        "decred_multi": {"growth_2021-01-01_to_2023-12-31": growth},
        "fb_pages_2016": {"by_page": sorted(by_page, key=lambda page: -page["engagements"]),
                          "posts_whose_engagements_are_undefined": sorted(undefined)},
        "raw_api_ig": {"followers": next(iter(value for key, values in ledger.series.items()
                                              if key[0] == "raw_api_ig" and key[4] == "followers"
                                              for value in values.values()))},
    }


def compare(path, want, have):
    """Print one line for every leaf that differs; return (leaves compared, differences)."""
    if isinstance(want, (dict, list)) and type(want) is type(have):
        where = sorted({*want, *have}) if isinstance(want, dict) else range(max(len(want), len(have)))
        pick = (lambda side, k: side.get(k, "missing")) if isinstance(want, dict) else \
            (lambda side, k: side[k] if k < len(side) else "missing")
        found = [compare(f"{path}/{k}", pick(want, k), pick(have, k)) for k in where]
        return sum(seen for seen, _ in found), sum(wrong for _, wrong in found)
    if want != have:
        print(f"DIFFERENT {path}: TRUTH.json has {want!r}, the raw files give {have!r}")
    return 1, int(want != have)


def check(ledger):
    """Print ok or the differences, section by section; 1 where anything differs."""
    truth = json.loads((ledger.root / "TRUTH.json").read_text("utf-8"))
    mine, wrong = recompute(ledger, truth), 0
    for section in sorted({*truth, *mine}):
        theirs, ours = truth.get(section, {}), mine.get(section, {})
        for name in sorted({*theirs, *ours}):
            seen, bad = compare(f"{section}/{name}", theirs.get(name, "missing"), ours.get(name, "missing"))
            wrong += bad
            print(f"{'NOT OK' if bad else 'ok'} {section}/{name} ({seen} values)")
    return 1 if wrong else 0
