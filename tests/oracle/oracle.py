#!/usr/bin/env python3
"""An independent oracle for "as of" questions, in plain Python (standard library only).

It reads the raw files of a data folder itself. It shares no code and no mapping
file with the project, so an agreement between the two means something.

    oracle.py DATA_ROOT --seed N --count 200   random questions with answers, one JSON object a line
    oracle.py DATA_ROOT --truth                recompute DATA_ROOT/TRUTH.json, print ok or differences

The answer as of T is the last observation with observed_at <= T in which the
metric is known. A blank count is unknown: never 0, never an observation of the
metric. A date without a time is that day's 00:00:00Z.

The questions depend on the seed and the data alone. Data sets, metrics and kinds
of instant are dealt from shuffled decks, so that all of them occur in a run of
200 (the rarest data set gets 10 questions).

Strict by intent: a count that is not digits, a row of the wrong length, a post in
two accounts or two values for one instant stop it (exit 1), since a question about
those has no agreed answer. Exit 2: the data folder is absent. Exit 1 with --truth: a difference.
"""

import argparse
import csv
import json
import random
import sys
from bisect import bisect_right
from collections import defaultdict
from datetime import datetime, timedelta, timezone
from pathlib import Path

WEIGHTS = {"yt_tech_fr": 12, "decred_multi": 4, "fb_pages_2016": 3, "raw_api_ig": 1}  # of 20
KINDS = ["exact", "just_before", "between", "before_first", "after_last", "midnight", "hidden"]
MICROSECOND = timedelta(microseconds=1)

# ---------------------------------------------------------------- reading


def instant(text):
    """An instant in UTC from a date, an RFC 3339 time or an offset without a colon."""
    text = text.replace("Z", "+00:00")
    if len(text) == 10:
        text += "T00:00:00+00:00"
    if text[-5] in "+-" and ":" not in text[-5:]:
        text = text[:-2] + ":" + text[-2:]
    parsed = datetime.fromisoformat(text)
    if parsed.tzinfo is None:
        raise ValueError(f"no offset: {text}")
    return parsed.astimezone(timezone.utc)


def count(text, where):
    """A count, or None where it is blank or NULL."""
    if text in ("", "NULL"):
        return None
    if not (text.isascii() and text.isdigit()):
        raise ValueError(f"{where}: not a count: {text!r}")
    return int(text)


def rows(path):
    """(file:line, record) of a CSV file, with or without a byte-order mark, CRLF or LF."""
    with open(path, encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file)
        header = next(reader)
        for row in reader:
            where = f"{path.name}:{reader.line_num}"
            if len(row) != len(header):
                raise ValueError(f"{where}: {len(row)} fields, the header has {len(header)}")
            yield where, dict(zip(header, row))


class Ledger:
    """Every series: (dataset, platform, account, post or None, metric) -> {instant: value or None}."""

    def __init__(self, root):
        self.root = root
        self.series = defaultdict(dict)
        self.account_of = {}
        self.read_youtube()
        self.read_decred()
        self.read_facebook()
        self.read_instagram()

    def add(self, dataset, platform, account, post, metric, at, value, where):
        if not account or post == "":
            raise ValueError(f"{where}: blank id")
        if post is not None and self.account_of.setdefault((dataset, platform, post), account) != account:
            raise ValueError(f"{where}: post {post} is in two accounts")
        values = self.series[(dataset, platform, account, post, metric)]
        if at in values:
            raise ValueError(f"{where}: a second {metric} at {at}")
        values[at] = value

    def read_youtube(self):
        folder, name = self.root / "yt_tech_fr", "yt_tech_fr"
        for where, row in rows(folder / "youtube_daily_snapshots.csv"):
            at = instant(row["date_utc"])
            for metric, column in (("followers", "subscribers"), ("views", "views"), ("posts", "videos")):
                self.add(name, "youtube", row["channel_id"], None, metric, at, count(row[column], where), where)
        for path in sorted(folder.glob("videos_*.csv")):
            for where, row in rows(path):
                at = instant(row["snapshot_utc"])
                for metric in ("views", "likes", "comments"):
                    value = count(row[metric[:-1] + "_count"], where)
                    self.add(name, "youtube", row["channel_id"], row["video_id"], metric, at, value, where)

    def read_decred(self):
        names = {"followers": "followers", "followers_rounded": "followers", "following": "following",
                 "subscribers": "followers", "subscribers_rounded": "followers",
                 "posts": "posts", "videos": "posts", "views": "views"}
        for site in ("instagram.com", "facebook.com", "youtube.com"):
            for path in sorted((self.root / "decred_multi" / "accounts" / site).glob("*/*.tsi")):
                metric = names.get(path.stem)
                if site == "facebook.com" and path.stem == "likes":
                    metric = "page_likes"
                if metric is None:
                    continue
                for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
                    where = f"{site}/{path.parent.name}/{path.name}:{number}"
                    seconds, value = line.split(",")
                    at = datetime.fromtimestamp(int(seconds), timezone.utc)
                    self.add("decred_multi", site[:-4], path.parent.name, None, metric, at, count(value, where), where)

    def read_facebook(self):
        at = instant("2016-10-20")
        for where, row in rows(self.root / "fb_pages_2016" / "facebook-fact-check.csv"):
            for metric, column in (("shares", "share_count"), ("likes", "reaction_count"), ("comments", "comment_count")):
                self.add("fb_pages_2016", "facebook", row["account_id"], row["post_id"], metric, at,
                         count(row[column], where), where)

    def read_instagram(self):
        at = instant("2023-07-28")
        path = self.root / "raw_api_ig" / "beebomco_business_discovery.json"
        reply = json.loads(path.read_text("utf-8-sig"))
        for owner, post, fields in [(reply, None, {"followers": "followers_count", "following": "follows_count",
                                                   "posts": "media_count"})] + \
                [(item, item["id"], {"likes": "like_count", "comments": "comments_count"}) for item in reply["media"]["data"]]:
            for metric, field in fields.items():
                value = owner.get(field)
                if value is not None and type(value) is not int:
                    raise ValueError(f"{path.name}: {field} is {value!r}")
                self.add("raw_api_ig", "instagram", reply["id"], post, metric, at, value, path.name)

    def as_of(self, key, when):
        """(value, observed_at), or (None, None) where nothing is known by then."""
        known = sorted((at, value) for at, value in self.series.get(key, {}).items() if value is not None)
        found = bisect_right([at for at, _ in known], when)
        return (known[found - 1][1], known[found - 1][0]) if found else (None, None)


# ---------------------------------------------------------------- questions


def deck(rng, cards):
    """Deal shuffled cards for ever, each round holding every card."""
    while True:
        pack = list(cards)
        rng.shuffle(pack)
        yield from pack


def between(rng, low, high):
    """A random instant with low < instant < high, to the microsecond."""
    span = (high - low) // MICROSECOND
    return low + MICROSECOND * rng.randrange(1, span)


def choose_instant(rng, kind, values):
    """An instant of this kind for one series; a kind that the series cannot have becomes `exact`."""
    known = sorted(at for at, value in values.items() if value is not None)
    hidden = sorted(at for at, value in values.items() if value is None)
    every = sorted(values)
    if kind == "hidden" and hidden:
        return rng.choice(hidden)
    if kind == "before_first":
        return between(rng, every[0] - timedelta(days=rng.choice([1, 40, 4000])), every[0])
    if kind == "after_last":
        return between(rng, every[-1], every[-1] + timedelta(days=rng.choice([1, 40, 4000])))
    if kind == "midnight":
        day = every[0].replace(hour=0, minute=0, second=0, microsecond=0)
        return day + timedelta(days=rng.randint(-1, (every[-1] - every[0]).days + 2))
    if kind == "between" and len(every) > 1:
        gap = rng.randrange(len(every) - 1)
        return between(rng, every[gap], every[gap + 1])
    at = rng.choice(known or every)
    return at - MICROSECOND if kind == "just_before" else at


def questions(ledger, seed, number):
    rng = random.Random(seed)
    cells = defaultdict(lambda: defaultdict(list))  # dataset -> (platform, is a post, metric) -> keys
    for key in sorted(ledger.series, key=lambda k: (*k[:3], k[3] or "", k[4])):
        dataset, platform, _, post, metric = key
        cells[dataset][(platform, post is not None, metric)].append(key)
    datasets = deck(rng, [name for name, weight in WEIGHTS.items() for _ in range(weight)])
    cell_decks = {name: deck(rng, sorted(cells[name])) for name in WEIGHTS}
    kind_decks = {name: deck(rng, KINDS) for name in WEIGHTS}
    for _ in range(number):
        name = next(datasets)
        keys, kind = cells[name][next(cell_decks[name])], next(kind_decks[name])
        if kind == "hidden":
            keys = [key for key in keys if None in ledger.series[key].values()] or keys
        if kind == "between":
            keys = [key for key in keys if len(ledger.series[key]) > 1] or keys
        key = rng.choice(keys)
        when = choose_instant(rng, kind, ledger.series[key])
        value, at = ledger.as_of(key, when)
        yield {"dataset": key[0], "creator": key[0], "platform": key[1], "account": key[2], "post": key[3],
               "metric": key[4], "as_of": stamp(when), "value": value, "observed_at": at and stamp(at)}


def stamp(at):
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond:06d}Z"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("data_root", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--truth", action="store_true")
    args = parser.parse_args()
    if not args.data_root.is_dir():
        print(f"skipped: there is no data folder {args.data_root}", file=sys.stderr)
        return 2
    ledger = Ledger(args.data_root)
    if not args.truth:
        for question in questions(ledger, args.seed, args.count):
            print(json.dumps(question, ensure_ascii=False))
        return 0
    sys.dont_write_bytecode = True
    import truth  # the file beside this one
    return truth.check(ledger)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except BrokenPipeError:
        sys.exit(0)
