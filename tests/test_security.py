"""The promises of SECURITY.md: what the source unpickles, imports, executes and downloads."""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path

SOURCE = Path(__file__).parent.parent / "src/preimage"
ALLOWED = {
    "pickle.loads": {"workers/pool.py", "workers/process.py"},
    "torch.export.load": {"models/pt2_source.py"},
    "urllib.request.urlopen": {"models/download.py"},
    "torch.hub.download_url_to_file": {"models/torch_hub.py"},
    "hub.snapshot_download": {"models/hf_source.py"},
    "hub.hf_hub_download": {"models/timm_source.py"},
    "open_clip.download_pretrained": {"models/open_clip_source.py"},
}
"""Calls that could run or fetch what others made, with the files that may make them."""

WATCHED = {"loads", "urlopen", "download_url_to_file", "snapshot_download", "hf_hub_download"}
WATCHED |= {"download_pretrained", "Unpickler", "load_state_dict_from_url"}
NEVER = {"eval", "exec", "compile", "__import__", "os.system", "os.popen", "torch.jit.load"}
MODULES = {"subprocess", "yaml", "dill", "cloudpickle", "joblib", "shelve", "marshal", "requests"}


def _calls() -> dict[str, list[tuple[str, ast.Call]]]:
    """Return all calls in the source by dotted name, each with its file."""
    found = defaultdict(list)
    for path in sorted(SOURCE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call):
                found[ast.unparse(node.func)].append((str(path.relative_to(SOURCE)), node))
    return found


CALLS = _calls()


def _keywords(call: ast.Call) -> dict[str | None, str]:
    return {keyword.arg: ast.unparse(keyword.value) for keyword in call.keywords}


def test_weights_are_loaded_without_pickled_objects() -> None:
    calls = CALLS["torch.load"]
    assert len(calls) >= 3
    for file, call in calls:
        assert _keywords(call).get("weights_only") == "True", file


def test_arrays_are_loaded_without_pickled_objects() -> None:
    calls = CALLS["np.load"]
    assert len(calls) >= 5
    for file, call in calls:
        assert _keywords(call).get("allow_pickle", "False") == "False", file


def test_only_named_files_unpickle_or_download() -> None:
    watched = {
        name: {file for file, _ in calls}
        for name, calls in CALLS.items()
        if name.rpartition(".")[2] in WATCHED and name != "json.loads"
        if not name.startswith("tomllib.")
    }
    allowed = {name: files for name, files in ALLOWED.items() if name != "torch.export.load"}
    assert watched == allowed
    assert {file for file, _ in CALLS["torch.export.load"]} == ALLOWED["torch.export.load"]


def test_nothing_is_executed_from_text_and_no_other_program_is_started() -> None:
    assert not NEVER & CALLS.keys()
    imported = {
        name.partition(".")[0]
        for path in SOURCE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
        )
    }
    assert not MODULES & imported


def test_code_of_a_hub_is_never_trusted() -> None:
    given = [
        _keywords(call)["trust_remote_code"]
        for calls in CALLS.values()
        for _, call in calls
        if "trust_remote_code" in _keywords(call)
    ]
    assert given
    assert set(given) == {"False"}


def test_only_import_paths_name_a_module_to_import() -> None:
    names = {
        (file, ast.unparse(call.args[0]))
        for file, call in CALLS["importlib.import_module"]
        if not isinstance(call.args[0], ast.Constant)
    }
    assert names == {
        ("__init__.py", "f'{__name__}.{_MODULES[name]}'"),
        ("models/import_source.py", "module_name"),
        ("models/optional.py", "module"),
    }
