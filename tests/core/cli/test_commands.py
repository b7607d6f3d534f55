"""Ask and tell as JSON, at the command line."""

import io
import json
import math
import os
import subprocess
import sys
from pathlib import Path

import pytest

import asng_core
from asng_core import Boolean, Categorical, Integer, Minimizer, Ordinal, Real, Space
from asng_core.cli import documents
from asng_core.cli.main import main

jsonschema = pytest.importorskip("jsonschema", reason="pip install 'asng[dev]'")

SPACE = Space({"op": Categorical(["conv", "pool", None]), "kernel": Ordinal([1, 3, 5]), "norm": Boolean(),
               "width": Integer(16, 64, step=8), "rate": Real(1e-4, 1.0, log=True), "decay": Real(0, 1, step=0.1)},
              active_if={"kernel": {"op": ["conv"]}})
SCHEMA = json.loads(documents.__spec__.loader.get_data(documents.__file__.replace("documents.py", "schema.json")))


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """run("ask", "run.asng", given="...") -> the lines that are written, as JSON; in a folder with that state."""
    monkeypatch.chdir(tmp_path)

    def command(*words, given=""):
        data = given if isinstance(given, bytes) else (
            given if isinstance(given, str) else "\n".join(map(json.dumps, given))).encode()
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(data)))
        main(list(words))
        return [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    (tmp_path / "space.json").write_text(json.dumps(documents.space_document(SPACE)))
    command("init", "space.json", "run.asng", "--seed", "0")
    return command


def fits(kind, document):
    jsonschema.Draft202012Validator({**SCHEMA, "$ref": f"#/$defs/{kind}"}).validate(document)


def refused(run, words, *arguments, status=2, **keywords):
    with pytest.raises(SystemExit) as ended:
        run(*arguments, **keywords)
    assert ended.value.code == status
    return ended


def loss_of(values):
    return abs(values["width"] - 48) / 8 + (values["op"] != "conv") + abs(values.get("kernel", 9) - 3)


def test_a_search_through_files_is_the_search_itself(run):
    optimizer = Minimizer(SPACE, seed=0)
    for n in (1, 3, 2, 1, 1, 4, 1, 1):
        asked = run("ask", "run.asng", "-n", str(n))
        for each in asked:
            fits("candidate", each)
        candidates = optimizer.ask(n)
        assert [each["values"] for each in asked] == list(map(dict, candidates))
        assert run("pending", "run.asng") == asked
        results = [{"id": each["id"], "loss": loss_of(each["values"])} for each in asked]
        for each in results:
            fits("result", each)
        run("tell", "run.asng", given=results if n > 1 else json.dumps(results))  # a line each, or an array
        for candidate, each in zip(candidates, results, strict=True):
            optimizer.tell(candidate, each["loss"])
    (best,) = run("best", "run.asng")
    fits("evaluation", best)
    assert best == {"id": optimizer.best.id, "values": optimizer.best.values, "loss": optimizer.best.loss}
    history = run("history", "run.asng")
    assert [each["loss"] for each in history] == optimizer.history.losses.tolist()
    for each in history:
        fits("evaluation", each)
    assert best in run("front", "run.asng")


def test_results_come_by_id_or_by_values_and_of_points_nobody_asked_for(run):
    one, two = run("ask", "run.asng", "-n", "2")
    new = {"op": "pool", "norm": True, "width": 64, "rate": 1, "decay": 0.3}
    run("tell", "run.asng", given=[{"values": two["values"], "loss": 2.0},
                                   {"values": new, "loss": 0.5, "violation": 1.5},
                                   {"id": one["id"], "values": one["values"], "loss": None}])
    assert run("pending", "run.asng") == []
    told = run("history", "run.asng")
    assert [(each["id"], each["loss"], each["violation"]) for each in told] == [(1, 2.0, 0.0), (-1, 0.5, 1.5),
                                                                               (0, None, 0.0)]
    assert run("best", "run.asng")[0]["id"] == 1


def test_infinite_losses_are_valid_json(run, tmp_path):
    for each in run("ask", "run.asng", "-n", "2"):
        run("tell", "run.asng", given=f'{{"id": {each["id"]}, "loss": {"-" * each["id"]}1e999}}')
    assert [each["loss"] for each in run("history", "run.asng")] == [math.inf, -math.inf]
    assert Minimizer.load(tmp_path / "run.asng").best.loss == -math.inf


def test_several_objectives_and_noise(run, tmp_path):
    run("init", "space.json", "two.asng")
    for each in run("ask", "two.asng", "-n", "3"):
        run("tell", "two.asng", given=[{"id": each["id"], "loss": [each["id"], -each["id"]]}])
    assert len(run("front", "two.asng")) == 3
    run("init", "space.json", "noisy.asng", "--noisy")
    (each,) = run("ask", "noisy.asng")
    run("tell", "noisy.asng", given=[{"id": each["id"], "loss": 1.0}])
    assert run("best", "noisy.asng") == [{"values": each["values"]}]


@pytest.mark.parametrize(("given", "words"), [
    ('{"id": 0, "loss": "x"}', "a loss must be one real number, got 'x'"),
    ('{"id": 5, "loss": 1}', "5 was never asked"),
    ('{"loss": 1}', "line 1 must be a result"), ('{"id": 0, "los": 1}', "line 1 must be a result"),
    ('{"id": 0, "loss": NaN}', "NaN is no JSON. A failed evaluation has the loss null"),
    ('{"id": 0, "loss": 1}\n{"id": 0, "loss": 1}', "candidate 0 was told before"), ("{", "line 1 must be JSON"),
    ('{"values": {"op": "conv"}, "loss": 1}', "missing"), ('{"id": 0, "values": {"op": 1}, "loss": 1}', "'op' must be"),
    ("", "the input must hold a result"), ("[]", "the input must hold a result"),
    (b"\xff\xfe{", "the input must be UTF-8"),
    ('{"id": 0, "id": 1, "loss": 1}', "it has 'id' twice"), ('{"id": true, "loss": 1}', "True was never asked"),
    ('{"id": 0, "loss": []}', "loss"),
    ('{"id": 0, "loss": {"a": 1}}', "a loss must be"), ('{"id": 0, "loss": 1' + "0" * 5000 + "}", "must be JSON"),
    ('{"id": 0, "loss": 1, "violation": "x"}', "violation"),
    ('{"values": 5, "loss": 1}', "values must be a mapping"),
    ('{"values": null, "loss": 1}', "values must be a mapping"),
    ('{"id": 0, "loss": 1}\n{"id": 7, "loss": 1}', "7 was never asked"),
    ('{"id": -1, "loss": 1}', "-1 was never asked"),
    ("[3]", "entry 0 must be a result"), ("[" * 100_000, "must be JSON"),
])
def test_wrong_results_change_nothing(run, tmp_path, capsys, given, words):
    asked = run("ask", "run.asng")
    before = (tmp_path / "run.asng").read_bytes()
    refused(run, words, "tell", "run.asng", given=given)
    assert words in capsys.readouterr().err
    assert (tmp_path / "run.asng").read_bytes() == before
    assert run("pending", "run.asng") == asked


@pytest.mark.parametrize(("document", "words"), [
    ("{}", 'a space must be an object {"variables"'), ('{"variables": {}}', "at least one variable"),
    ("[", "must be JSON"),
    ('{"variables": {"a": {"kind": "Float"}}}', "variable 'a' must be an object with a \"kind\" of"),
    ('{"variables": {"a": {"kind": "Integer", "low": 3}}}', "variable 'a'"),
    ('{"variables": {"a": {"kind": "Integer", "low": 3, "high": 1}}}', "must have low <= high"),
    ('{"variables": {"a": {"kind": "Integer", "low": 3, "hi": 5}}}', "got ['hi']"),
    ('{"variables": {"a": {"kind": "Categorical", "values": []}}}', "at least one value"),
    ('{"variables": {"a": {"kind": "Categorical", "values": [[1], {"b": 2}]}}}', "the values of a cannot be written"),
    ('{"variables": {"a": {"kind": "Boolean"}, "a": {"kind": "Boolean"}}}', "it has 'a' twice"),
    ('{"variables": {"a": {"kind": "Boolean"}}, "constraints": []}', "got ['constraints']"),
    ('{"variables": {"a": {"kind": "Boolean"}}, "active_if": {"b": {"a": [true]}}}', "active_if"),
    ('{"variables": {"a": {"kind": "Boolean"}}, "active_if": 3}', "active_if"),
])
def test_wrong_spaces(run, tmp_path, capsys, document, words):
    (tmp_path / "wrong.json").write_text(document)
    refused(run, words, "init", "wrong.json", "new.asng")
    assert words in capsys.readouterr().err
    assert not (tmp_path / "new.asng").exists()


def test_what_is_not_there_or_there_already(run, capsys):
    for words, arguments in (("exists. Remove it", ("init", "space.json", "run.asng")),
                             ("there is no state 'no'. Begin one: python -m asng_core init", ("ask", "no")),
                             ("there is no state 'no'", ("best", "no")), ("No such file", ("tell", "run.asng", "no")),
                             ("there is no folder 'no' to keep", ("init", "space.json", "no/run.asng")),
                             ("-n must be at most 10000", ("ask", "run.asng", "-n", str(10**20))),
                             ("ask(n) must be at least 1", ("ask", "run.asng", "-n", "0")),
                             ("Minimizer(seed=...)", ("init", "space.json", "new.asng", "--seed", "-1")),
                             ("space.json", ("ask", "space.json")),
                             ("nothing was evaluated yet", ("best", "run.asng"))):
        refused(run, words, *arguments)
        assert words in capsys.readouterr().err


def test_a_space_without_more_points_has_a_status_of_its_own(run, tmp_path):
    (tmp_path / "small.json").write_text('{"variables": {"a": {"kind": "Boolean"}}}')
    run("init", "small.json", "small.asng")
    assert len(run("ask", "small.asng", "-n", "5")) == 2
    refused(run, "", "ask", "small.asng", status=3)


def test_a_space_is_written_as_it_is_read():
    document = documents.space_document(SPACE)
    fits("space", document)
    assert documents.space_from(json.loads(json.dumps(document))) == SPACE
    for space, words in ((Space({"a": Categorical([(1, 2)])}), "the values of a cannot"),
                         (Space({"a": Boolean()}, constraints=[bool]), "constraints")):
        with pytest.raises(ValueError, match=words):
            documents.space_document(space)


def test_several_processes_on_one_state(run, tmp_path):
    command = [sys.executable, "-m", "asng_core", "ask", str(tmp_path / "run.asng"), "-n", "3"]
    environment = os.environ | {"PYTHONPATH": str(Path(asng_core.__file__).parents[1])}
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) for _ in range(3)]
    lines = [line for process in processes for line in process.communicate(timeout=60)[0].splitlines()]
    assert sorted(json.loads(line)["id"] for line in lines) == list(range(9))
    assert len(run("pending", "run.asng")) == 9


def test_the_schema_is_a_schema(run, capsys):
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    main(["schema"])
    assert json.loads(capsys.readouterr().out) == SCHEMA
    for wrong in ({"variables": {}}, {"variables": {"a": {"kind": "Integer", "low": 1}}}):
        with pytest.raises(jsonschema.ValidationError):
            fits("space", wrong)


def test_unicode_and_what_windows_begins_files_with(run, tmp_path):
    document = {"variables": {"größe ☃": {"kind": "Categorical", "values": ["ä", "</script>", "\u0000"]}}}
    (tmp_path / "unicode.json").write_text(json.dumps(document), encoding="utf-8-sig")
    run("init", "unicode.json", "ü.asng", "--seed", "0")
    (asked,) = run("ask", "ü.asng")
    run("tell", "ü.asng", given=b"\xef\xbb\xbf" + json.dumps({**asked, "loss": 10**300}).encode())
    assert run("best", "ü.asng") == [{**asked, "loss": 1e300}]


def test_a_process_that_is_killed_leaves_the_state_as_it_was_or_told(run, tmp_path, monkeypatch):
    (asked,) = run("ask", "run.asng")
    before = (tmp_path / "run.asng").read_bytes()
    environment = os.environ | {"PYTHONPATH": str(Path(asng_core.__file__).parents[1])}
    command = [sys.executable, "-m", "asng_core", "tell", "run.asng"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, env=environment)  # waits for its input
    process.kill()
    process.communicate()
    assert (tmp_path / "run.asng").read_bytes() == before
    with monkeypatch.context() as full:  # between what is told and the end of writing
        full.setattr(os, "replace", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
        refused(run, "", "tell", "run.asng", given=[{"id": asked["id"], "loss": 1.0}])
    assert (tmp_path / "run.asng").read_bytes() == before
    run("tell", "run.asng", given=[{"id": asked["id"], "loss": 1.0}])
    assert run("pending", "run.asng") == []


def test_what_cannot_be_written_out_is_told_of_and_asked_for_again(run, monkeypatch, capsys):
    class Full(io.StringIO):
        def flush(self):
            raise OSError(28, "No space left on device")
    with monkeypatch.context() as disk:
        disk.setattr("sys.stdout", Full())
        with pytest.raises(SystemExit) as ended:
            main(["ask", "run.asng"])
    assert ended.value.code == 2
    assert "No space left" in capsys.readouterr().err
    assert [each["id"] for each in run("pending", "run.asng")] == [0]


def test_a_shared_study_is_reported_by_its_url(run, tmp_path, capsys, monkeypatch):
    pytest.importorskip("sqlalchemy", reason="pip install 'asng[study]'")
    monkeypatch.setattr("asng_core.report.page._vega", lambda: "")  # which takes seconds to come
    from asng_core.study import Study

    url = f"sqlite:///{tmp_path}/runs.db"
    with Study(url, SPACE, name="widths", seed=0) as study:
        result = study.minimize(loss_of, budget=4)
    assert result.call == f"Study({url!r}, space, name='widths', seed=0).minimize(objective, budget=4)"
    main(["report", url, "--name", "widths"])
    assert capsys.readouterr().out == "widths.html\n"
    assert "minimize(objective, budget=4)" in (tmp_path / "widths.html").read_text("utf-8")
    for words, wrong in (("Study(name='no') is not there", (url, "--name", "no")),
                         ("there is no database", (f"sqlite:///{tmp_path}/no.db",)),
                         ("cannot be read from its database", ("nothing://runs.db",))):
        refused(run, words, "report", *wrong)
        assert words in capsys.readouterr().err
    assert not (tmp_path / "no.db").exists()
