"""The field of engines: ours in its two modes, and the peers."""

import shutil
import sys
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import yaml

from benchmarks.routing.engines import BATCH_RECORDS, BATCH_SECONDS, ENGINE, Engine, peers_python
from benchmarks.routing.javapeers import build_java_peers
from benchmarks.routing.stage import INBOXES, PARTIES, Stage
from nsw import topics

ROOT = Path(__file__).resolve().parent.parent.parent
TYPE = ROOT / "schemas" / "th" / "export-declaration" / "1.0"
#: A batch of ours takes about so long.
_JAVA_COMMIT_MS = 300
_OURS = {"like": "parse, XSD, routing, copies", "full": "rules, case state, answers and events too"}


def build_field(stage: Stage, folder: Path) -> dict[str, Engine]:
    """Give every engine by its name, and make what they need: topics, tables, programs."""
    in_turn = _ours(stage, folder, "like")
    engines = [
        _ours(stage, folder, "like"),
        _ours(stage, folder, "like", apart=True),
        replace(
            in_turn, name="nsw_like_in_turn", environment={**in_turn.environment, "NSW_READING_THREADS": "0"}
        ),
        _ours(stage, folder, "full"),
    ]
    python = str(peers_python(folder.parent))
    permits = _write_permits(stage, folder / "permits.tsv")
    for name, guess, guarantee in (
        ("quix", 1000, "exactly once"),
        ("aiokafka_loop", 1000, "transactions, not fenced by the group's generation"),
        ("faust_agent", 300, "at least once"),
        ("faust_batch", 800, "at least once"),
    ):
        command = [python, "-m", f"benchmarks.peers.{name}.main"]
        peer = _peer(stage, name, command, permits, guarantee, guess)
        engines.append(replace(peer, early=name.startswith("faust")))
    java = build_java_peers(folder.parent / "java")
    for name, main, threads, warm, guess, guarantee in (
        ("kafka_streams", "KafkaStreamsPeer", 2, 6000, 500, "exactly once (exactly_once_v2)"),
        ("camel", "CamelPeer", INBOXES, 1000, 100, "at least once: it has no transactions with Kafka"),
    ):
        more = {
            "BENCH_THREADS": str(threads),
            "BENCH_COMMIT_MS": str(_JAVA_COMMIT_MS),
            "BENCH_FOLDER": str(folder / name),
        }
        peer = _peer(stage, name, [*java, main], permits, guarantee, guess)
        engines.append(replace(peer, environment={**peer.environment, **more}, warm_documents=warm))
    return {each.name: each for each in engines}


def _ours(stage: Stage, folder: Path, kind: str, *, apart: bool = False) -> Engine:
    environment = {
        "NSW_BOOTSTRAP_SERVERS": stage.bootstrap,
        "NSW_DATA_FOLDER": str(folder / f"ours-{kind}"),
        "NSW_BATCH_RECORDS": str(BATCH_RECORDS),
        "NSW_BATCH_SECONDS": str(BATCH_SECONDS),
        "NSW_CONVERSATION_KEY": "0123456789abcdef",
    }
    if kind == "like":
        environment["NSW_SCHEMA_FOLDERS"] = str(_types_without_rules(folder / "types"))
    start = [sys.executable, "-m", "benchmarks.routing.ours", kind]
    both = {ENGINE: [*start, "intake", "casework"]}
    return Engine(
        f"nsw_{kind}{'_apart' if apart else ''}",
        {role: [*start, role] for role in ("intake", "casework")} if apart else both,
        environment,
        [(topics.inbox(party), 0) for party in PARTIES],
        f"exactly once; {_OURS[kind]}",
        800 if kind == "like" else 200,
        lasting=False,
    )


def _types_without_rules(folder: Path) -> Path:
    """Copy our message types, the export declaration without its business rules."""
    if folder.exists():
        shutil.rmtree(folder)
    shutil.copytree(ROOT / "schemas", folder, ignore=shutil.ignore_patterns("samples"))
    target = folder / TYPE.relative_to(ROOT / "schemas")
    (target / "rules.sch").unlink()
    described = yaml.safe_load((target / "type.yaml").read_text("utf-8"))
    del described["rules"]
    (target / "type.yaml").write_text(yaml.safe_dump(described, allow_unicode=True), "utf-8")
    return folder


def _write_permits(stage: Stage, path: Path) -> Path:
    """Write the permits for export in force today as the peers read them; today is their lodging date."""
    today = datetime.now(stage.reference.window.time_zone).date()
    agencies: dict[str, set[str]] = {}
    for row in stage.reference.tables.permits.rows:
        if row.direction in {"export", "both"} and row.in_force(today):
            agencies.setdefault(row.goods, set()).add(row.agency)
    lines = [f"{goods}\t{','.join(sorted(found))}\n" for goods, found in sorted(agencies.items())]
    path.write_text("".join(lines), "ascii")
    return path


def _peer(stage: Stage, name: str, command: list[str], permits: Path, guarantee: str, guess: float) -> Engine:
    inbox, refused = f"bench.{name}.inbox", f"bench.{name}.refused"
    stage.create(inbox, INBOXES)
    stage.create(refused, 1)
    environment = {
        "BENCH_BOOTSTRAP": stage.bootstrap,
        "BENCH_GROUP": f"bench-{name}",
        "BENCH_INBOX": inbox,
        "BENCH_REFUSED": refused,
        "BENCH_XSD": str(TYPE / "message.xsd"),
        "BENCH_PERMITS": str(permits),
        "BENCH_LEAD": str(stage.reference.tables.lead),
        "BENCH_BATCH_RECORDS": str(BATCH_RECORDS),
        "BENCH_BATCH_SECONDS": str(BATCH_SECONDS),
    }
    return Engine(
        name, {ENGINE: command}, environment, [(inbox, number) for number in range(INBOXES)], guarantee, guess
    )
