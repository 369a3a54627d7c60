"""`dws web` in Chromium: what a person sees and does."""

from __future__ import annotations

import http.client
import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from endtoend import HOST, User, isolated_environment, write_files
from forked import Forked
from playwright.sync_api import Browser
from web_pages import CHROMIUM, Looked, Served, served

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium: apt-get install chromium"),
]

HOSTILE = "<img src=x onerror=alert(1)><script>alert(2)</script>"
SVG = """<svg xmlns="http://www.w3.org/2000/svg" width="40" height="40" onload="alert(3)">
<script>alert(4)</script><rect width="40" height="40" fill="green"/><image href="http://example.com/x.png"/></svg>"""
MARKDOWN = f"""# Notes

{HOSTILE}

[bad](javascript:alert(5)) [good](https://example.com/) ![picture](http://example.com/y.png)

| a | b |
|---|---|
| 1 | {HOSTILE} |
"""
NOTEBOOK = {
    "nbformat": 4,
    "cells": [
        {"cell_type": "markdown", "source": ["# Title\n", HOSTILE]},
        {
            "cell_type": "code",
            "execution_count": 3,
            "source": "1 + 1",
            "outputs": [
                {"output_type": "execute_result", "data": {"text/html": HOSTILE, "text/plain": "forty-two"}},
                {"output_type": "display_data", "data": {"image/svg+xml": SVG}},
                {"output_type": "error", "traceback": ["\x1b[31mValueError\x1b[0m: no"]},
            ],
        },
    ],
}


def results(accuracy: float, rate: float, **more: Any) -> str:
    return json.dumps(
        {"step": "train", "parameters": {"rate": rate, "kind": "plain"}, "metrics": {"accuracy": accuracy, **more}}
    )


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> User:
    """Three snapshots, and results of the present. Tests share it: they only add to it."""
    directory = tmp_path_factory.mktemp("web")
    root = directory / "ws"
    root.mkdir()
    workspace = Forked(root, isolated_environment(directory / "home"))
    workspace.batch("init", "--hostname", HOST, "--create-resources", "code,results")
    for number, (accuracy, rate) in enumerate([(0.7, 0.1), (0.9, 0.2), (0.8, 0.3)], start=1):
        files = {"results/results.json": results(accuracy, rate), f"code/step{number}.py": f"print({number})\n"}
        if number == 2:
            courses = {"metrics": {"loss": [3.0, 2.0, 1.5], "val_loss": [3.5, 2.5, 2.4]}}
            files |= {
                "results/metrics_history.json": json.dumps(courses),
                "results/notes.md": MARKDOWN,
                "results/picture.svg": SVG,
                "results/book.ipynb": json.dumps(NOTEBOOK),
                "results/table.csv": f"name,size\n{HOSTILE},0012\nb,3.50\n",
            }
        write_files(root, files)
        workspace.batch("snapshot", "-m", f"try {number} {HOSTILE if number == 3 else ''}", f"T{number}")
    write_files(root, {"results/results.json": results(0.95, 0.4)})
    return workspace


@pytest.fixture(scope="module")
def served_workspace(project: User) -> Iterator[Served]:
    with served(project) as found:
        yield found


@pytest.fixture
def looked(served_workspace: Served, browser: Browser) -> Iterator[Looked]:
    found = Looked(browser, served_workspace.address)
    yield found
    own = f"http://127.0.0.1:{served_workspace.port}/"
    assert found.complaints == []
    assert [address for address in found.requests if not address.startswith((own, "data:"))] == []
    found.page.close()


# -- the server -----------------------------------------------------------------------------------------------------


def asked(port: int, path: str, method: str = "GET", body: str | None = None, **headers: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.putrequest(method, path, skip_host="Host" in headers)
    given = {**headers, **({} if body is None else {"Content-Length": str(len(body))})}
    for name, value in given.items():
        connection.putheader(name.replace("_", "-"), value)
    connection.endheaders(None if body is None else body.encode())
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, text


def test_only_the_browser_of_the_person_is_answered(served_workspace: Served) -> None:
    port = served_workspace.port
    token = served_workspace.address.partition("token=")[2]
    cookie = {"Cookie": f"dws-web-{port}={token}"}
    ours = f"http://127.0.0.1:{port}"
    assert asked(port, "/api/experiments")[0] == 403
    assert asked(port, "/?token=wrong")[0] == 403
    assert asked(port, "/api/experiments", **cookie)[0] == 200
    assert asked(port, "/api/experiments", **cookie, Host="evil.example")[0] == 421
    assert asked(port, "/api/experiments", **cookie, Origin="http://evil.example")[0] == 403
    note = ("/api/snapshots/T1/notes", "POST", '"seen"')
    assert asked(port, *note, **cookie)[0] == 403
    assert asked(port, *note, **cookie, Origin="null")[0] == 403
    assert asked(port, *note, **cookie, Origin=ours)[0] == 200
    assert asked(port, "/api/snapshots/T1/notes", "POST", "[" * 5000, **cookie, Origin=ours)[0] == 400


@pytest.mark.parametrize("path", ["../../etc/passwd", "/etc/passwd", "a/../../x", "..", "%00"])
def test_no_file_outside_a_resource_is_sent(served_workspace: Served, path: str) -> None:
    port = served_workspace.port
    cookie = {"Cookie": f"dws-web-{port}={served_workspace.address.partition('token=')[2]}"}
    for kind in ("api/preview", "api/listing", "download"):
        for at in ("now", "T1"):
            status, said = asked(port, f"/{kind}?at={at}&resource=results&path={path}", **cookie)
            assert status in (400, 404)
            assert "error" in json.loads(said)


def test_ctrl_c_ends_it_in_a_line(project: User) -> None:
    with served(project) as server:
        said = server.stop()
    assert server.process.returncode == 0
    assert said.split("\n")[-2:] == ["Stopped", ""]
    assert "Traceback" not in said


def test_port_that_is_taken_is_told(served_workspace: Served, project: User) -> None:
    done = project.dws("web", "--no-open", "--port", str(served_workspace.port), check=False)
    assert done.returncode == 1
    assert done.stderr.startswith(f"error: Port {served_workspace.port} cannot be served")


# -- experiments ----------------------------------------------------------------------------------------------------


def test_table_shows_sorts_filters_and_is_an_address(looked: Looked) -> None:
    page = looked.page
    assert looked.names() == ["Present state", "T3", "T2", "T1"]
    assert looked.column("accuracy") == ["0.95", "0.8", "0.9", "0.7"]
    page.click(".grid-head button:has-text('accuracy')")
    assert looked.names() == ["Present state", "T2", "T3", "T1"]
    page.click(".grid-head button:has-text('accuracy')")
    assert looked.names() == ["T1", "T3", "T2", "Present state"]
    page.fill("[aria-label=Filter]", "accuracy > 0.75 and rate < 0.35")
    page.wait_for_selector(".count:has-text('2 of 4 rows')")
    assert looked.names() == ["T3", "T2"]
    page.reload()
    page.wait_for_selector(".count:has-text('2 of 4 rows')")
    assert looked.names() == ["T3", "T2"]
    page.fill("[aria-label=Search]", "t2")
    page.wait_for_selector(".count:has-text('1 of 4 rows')")


def test_filter_that_is_wrong_says_so_and_hides_nothing(looked: Looked) -> None:
    looked.page.fill("[aria-label=Filter]", "acuracy > 1")
    looked.page.wait_for_selector(".count:has-text(\"there is no column 'acuracy'\")")
    assert len(looked.names()) == 4
    looked.complaints.clear()  # Chromium tells of each answer that is no 200


def test_columns_are_chosen_ordered_and_remembered(looked: Looked) -> None:
    page = looked.page
    page.click("button:has-text('Columns')")
    page.click("[aria-label='Hide message']")
    page.check(".all-columns label:has-text('kind') input")
    page.click("[aria-label='Move kind up']")
    heads = [text.strip() for text in page.locator(".grid-head .cell.parameter").all_inner_texts()]
    assert heads == ["kind", "rate"]
    page.goto(page.url.split("#")[0])
    page.reload()
    page.wait_for_selector(".line")
    heads = [text.strip() for text in page.locator(".grid-head .cell").all_inner_texts()]
    assert "message" not in heads
    assert "kind" in heads


def test_rows_are_grouped(looked: Looked) -> None:
    looked.page.select_option(".select select", label="by kind")
    (told,) = looked.page.locator(".line.group").all_inner_texts()
    assert told.split() == ["kind:", "plain", "4", "rows"]
    looked.page.click(".line.group button")
    assert looked.names() == []


def test_what_is_shown_is_downloaded(looked: Looked) -> None:
    looked.page.fill("[aria-label=Search]", "t2")
    looked.page.wait_for_selector(".count:has-text('1 of 4 rows')")
    with looked.page.expect_download() as download:
        looked.page.click("[aria-label='Download what is shown as CSV']")
    lines = Path(download.value.path()).read_text(encoding="utf-8").splitlines()
    assert lines[0] == "tags,created,message,labels,accuracy,rate"
    assert re.fullmatch(r"T2,[\d :-]+,try 2 ?,,0.9,0.2", lines[1])


def test_labels_and_notes_are_edited_in_place(looked: Looked, project: User) -> None:
    page = looked.page
    page.check("[aria-label='Choose T1']")
    page.click("button:has-text('Labels and notes')")
    page.fill("dialog textarea >> nth=0", "stage=production\nbad")
    page.click("dialog button:has-text('Save')")
    page.wait_for_selector("dialog [role=alert]:has-text(\"'bad' is not a label\")")
    page.fill("dialog textarea >> nth=0", "stage=production")
    page.fill("dialog textarea >> nth=1", f"the best {HOSTILE}")
    page.click("dialog button:has-text('Save')")
    page.wait_for_selector(".line .label:has-text('production')")
    found = {each["hash"]: each["labels"] for each in project.json("label", "T1")}
    assert list(found.values()) == [{"stage": "production"}]
    assert project.json("note", "T1")["notes"][-1]["text"] == f"the best {HOSTILE}"
    looked.complaints.clear()  # of the label that was refused


def test_keyboard_moves_chooses_and_opens(looked: Looked) -> None:
    page = looked.page
    page.focus(".grid")
    for key in ("ArrowDown", "ArrowDown", " ", "j", "x"):
        page.keyboard.press(key)
    assert page.locator(".line.chosen .name a").all_inner_texts() == ["T2", "T1"]
    page.keyboard.press("Enter")
    page.wait_for_selector("h1:has-text('T1')")
    page.go_back()
    page.wait_for_selector(".grid")
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "search"


# -- a snapshot -----------------------------------------------------------------------------------------------------


def test_snapshot_shows_results_courses_and_commands(looked: Looked) -> None:
    page = looked.page
    page.click(".line a:has-text('T2')")
    page.wait_for_selector(".tile-value:has-text('0.9')")
    assert page.locator(".standing").inner_text() == "2nd of 4"
    page.wait_for_selector(".chart-box canvas")
    assert page.locator(".legend").inner_text().split("\n") == ["loss", "val_loss"]
    assert page.locator(".picture img").evaluate("(image) => image.decode().then(() => image.naturalWidth)") == 40
    assert "dws restore T2" in page.locator(".copyable").all_inner_texts()[0]
    assert page.locator(".family a").first.inner_text() == "T1"


def test_snapshot_shows_who_says_to_have_reproduced_it(looked: Looked, project: User) -> None:
    hashval = project.json("show", "T1")["hash"]
    for user, verdicts in ((HOSTILE, ["identical", "equal"]), ("eve", ["identical", "different"])):
        outputs = [{"output": f"results:{n}", "verdict": verdict} for n, verdict in enumerate(verdicts)]
        told = {"snapshot": hashval, "outputs": outputs, "user": user, "finished": "2026-11-29T10:00:00+00:00"}
        write_files(project.cwd.parent, {"verdict.json": json.dumps(told)})
        project.batch("attest", "add", "T1", project.cwd.parent / "verdict.json")
    looked.page.goto(looked.page.url.split("#")[0] + "#/snapshot/T1")
    listed = looked.page.locator(".reproductions li")
    listed.first.wait_for()
    first, second = sorted(listed.all_inner_texts())
    assert first.startswith("Not reproduced")
    assert "1 identical, 1 different" in first
    assert "eve" in first
    assert second.startswith("Reproduced")
    assert HOSTILE in second
    assert "not signed" in second


def test_files_of_strangers_are_shown_and_are_no_markup(looked: Looked) -> None:
    page = looked.page
    page.goto(page.url.split("#")[0] + "#/snapshot/T2?tab=files")
    content = page.locator(".file-view")
    page.click(".entry:has-text('notes.md')")
    page.wait_for_selector(".markdown h4:has-text('Notes')")
    assert HOSTILE in content.inner_text()
    assert content.locator(".blocks a[href]").evaluate_all("(links) => links.map((link) => link.href)") == [
        "https://example.com/"
    ]
    page.click(".entry:has-text('table.csv')")
    page.wait_for_selector(".plain td:has-text('0012')")
    assert HOSTILE in content.inner_text()
    page.click(".entry:has-text('book.ipynb')")
    page.wait_for_selector(".cell-label:has-text('In [3]')")
    assert "forty-two" in content.inner_text()
    assert content.locator(".error-text").inner_text() == "ValueError: no"
    assert content.locator("img").count() == 1
    page.click(".entry:has-text('picture.svg')")
    page.wait_for_selector(".file-view img")
    assert page.locator("script:not([src])").count() == 0


def test_files_of_a_resource_are_those_of_the_snapshot(looked: Looked) -> None:
    page = looked.page
    page.goto(page.url.split("#")[0] + "#/snapshot/T1?tab=files")
    page.click(".directory .entry:has-text('code')")
    page.wait_for_selector(".directory li")
    assert "step1.py" in page.locator(".directory").all_inner_texts()[-1] or page.locator("text=step1.py").count() == 1
    assert page.locator("text=step2.py").count() == 0
    page.click(".entry:has-text('step1.py')")
    page.wait_for_selector(".file-view pre:has-text('print(1)')")


def test_lineage_is_shown_and_leads_to_what_used_a_file(browser: Browser, workspace: User) -> None:
    write_files(workspace.cwd, {"raw/a.csv": "1\n", "score.sh": 'echo "{\\"metrics\\": {\\"score\\": $1}}"\n'})
    workspace.batch("add", "local-files", "--role", "source-data", "raw")
    for number in (1, 2):
        step = ("--name", "fit", "--input", "raw/a.csv", "--output", "results")
        workspace.batch("run", *step, "--", "sh", "-c", f"sh score.sh 0.{number} > results/results.json")
        workspace.batch("snapshot", f"L{number}")
        write_files(workspace.cwd, {"raw/a.csv": f"{number + 1}\n"})
    with served(workspace) as server:
        looked = Looked(browser, server.address)
        page = looked.page
        page.goto(page.url.split("#")[0] + "#/snapshot/L2?tab=lineage")
        page.wait_for_selector(".lineage[data-ready]")
        labels = page.evaluate(
            "document.getElementById('graph')._cyreg.cy.nodes().map((node) => node.data('label').split('\\n'))"
        )
        assert ["results", "score 0.2"] in [label[:2] for label in labels]
        page.fill("#search", "raw")
        page.press("#search", "Enter")
        page.focus("#graph")
        page.keyboard.press("Enter")
        assert page.locator("#panel h3:has-text('Results made from it')").count() == 1
        page.click("#panel a:has-text('Snapshots that used it')")
        page.wait_for_selector("h1:has-text('What used raw:a.csv')")
        tables = page.locator(".impact table")
        assert [("L1" in text, "L2" in text) for text in tables.all_inner_texts()] in (
            [(True, False), (False, True)],
            [(False, True), (True, False)],
        )
        assert looked.complaints == []
        looked.page.close()


# -- comparisons ----------------------------------------------------------------------------------------------------


def test_comparison_shows_first_what_differs(looked: Looked) -> None:
    page = looked.page
    page.check("[aria-label='Choose T3']")
    page.check("[aria-label='Choose T2']")
    page.click(".chosen-bar a:has-text('Compare')")
    page.wait_for_selector(".compared")
    values = page.locator(".compared tbody tr:not(.part)")
    assert [text.split() for text in values.all_inner_texts()][:2] == [
        ["accuracy", "0.8", "0.9", "best"],
        ["rate", "0.3", "0.2"],
    ]
    assert "kind" not in page.locator(".compared").inner_text()
    page.check("text=Also what is the same")
    assert "kind" in page.locator(".compared").inner_text()
    assert page.locator(".plots circle").count() == 2
    assert page.locator(".plots polyline").count() == 2
    assert page.locator(".charts canvas").count() == 2
    page.reload()
    page.wait_for_selector(".compared")


def test_comparison_shows_the_lines_that_differ(looked: Looked) -> None:
    page = looked.page
    page.goto(page.url.split("#")[0] + "#/compare/T1,T2")
    page.wait_for_selector(".difference .entry:has-text('step2.py')")
    page.click(".difference .entry:has-text('step2.py')")
    page.wait_for_selector(".lines .plus:has-text('+print(2)')")
    page.click(".difference .entry:has-text('results.json')")
    page.wait_for_selector(".lines .minus:has-text('0.7')")


# -- live -----------------------------------------------------------------------------------------------------------

RUN = """
import sys
from datetime import datetime
from dataworkspaces.lineage.runs.run import ResultsRun
from dataworkspaces.workspace import ResourceRef, find_and_load_workspace

directory = sys.argv[1] or None
run = ResultsRun.claim(find_and_load_workspace(True, False), ResourceRef("results", directory), f"train{sys.argv[1]}")
run.start({"rate": 0.5}, datetime.now(), find_files=True)
for line in sys.stdin:
    run.end_epoch({"loss": float(line)})
    print("recorded", flush=True)
run.end("completed")
"""


class Training:
    """A run under way, which ends an epoch when it is told to."""

    def __init__(self, workspace: User, directory: str = "") -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", RUN, directory], cwd=workspace.cwd, env={**workspace.env, "PYTHONUNBUFFERED": "1"},
            text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip

    def epoch(self, loss: str) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{loss}\n")
        self.process.stdin.flush()
        self.process.stdout.readline()

    def end(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


def test_run_that_is_under_way_is_followed(browser: Browser, workspace: User) -> None:
    run = Training(workspace)
    try:
        run.epoch("3.5")
        run.epoch("2.5")
        with served(workspace) as server:
            looked = Looked(browser, server.address)
            looked.page.click("nav a:has-text('Present state')")
            looked.page.wait_for_selector(".run-state.running:has-text('train')")
            looked.page.wait_for_selector(".tile-value:has-text('2.5')")
            run.epoch("1.5")
            looked.page.wait_for_selector(".tile-value:has-text('1.5')")
            assert looked.page.locator(".chart-box canvas").count() == 1
            run.end()
            looked.page.wait_for_selector(".run-state", state="detached")
            assert looked.complaints == []
            looked.page.close()
    finally:
        run.kill()


def test_runs_side_by_side_show_their_metrics_as_they_come(browser: Browser, workspace: User) -> None:
    with served(workspace) as server:
        looked = Looked(browser, server.address)
        page = looked.page
        page.click("nav a:has-text('Live')")
        page.wait_for_selector("text=No run is under way")
        runs = [Training(workspace, name) for name in ("svc", "forest")]
        try:
            for run, loss in zip(runs, ("3.5", "4.5"), strict=True):
                run.epoch(loss)
            page.wait_for_selector("text=2 runs under way")
            assert page.locator(".run.running").count() == 2
            runs[0].epoch("1.25")
            page.wait_for_selector(".run:has-text('trainsvc') .last:has-text('1.25')")
            page.wait_for_selector(".chart [role=img][aria-label*='1.25'][aria-label*='4.5']")
            page.uncheck(".run:has-text('trainforest') input")
            page.wait_for_selector(".chart [role=img]:not([aria-label*='4.5'])")
            runs[0].end()
            page.wait_for_selector(".run.completed:has-text('trainsvc')")
            runs[1].kill()
            page.wait_for_selector(".run.killed:has-text('trainforest')")
            assert looked.complaints == []
            page.close()
        finally:
            for run in runs:
                run.kill()


# -- in a notebook --------------------------------------------------------------------------------------------------

CELL = """
import sys
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output

shell = InteractiveShell.instance()
shell.run_line_magic("load_ext", "dataworkspaces.kits.jupyter")
for line in sys.stdin:
    with capture_output() as shown:
        shell.run_line_magic("dws_web", line.strip())
    print(shown.outputs[0].data["text/html"], flush=True)
"""


class Kernel:
    """A Python that runs `%dws_web`, as that of a notebook does."""

    def __init__(self, workspace: User) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", CELL], cwd=workspace.cwd, env=workspace.env, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip

    def shown(self, options: str) -> tuple[str, str]:
        """The address of the frame, and all of what the cell shows."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{options}\n")
        self.process.stdin.flush()
        while not (line := self.process.stdout.readline()).startswith("<div>"):
            assert line, "the cell shows nothing"
        return re.search(r'src="(http://127\.0\.0\.1:\d+/[^"]+)"', line)[1], line  # type: ignore[index]

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def kernel(project: User) -> Iterator[Kernel]:
    pytest.importorskip("IPython")
    found = Kernel(project)
    yield found
    found.kill()


def test_cell_of_a_notebook_shows_the_pages_until_its_kernel_is_killed(
    kernel: Kernel, browser: Browser, tmp_path: Path
) -> None:
    address, shown = kernel.shown("--snapshot T2")
    port = int(address.split(":")[2].split("/")[0])
    assert address.endswith("/#/snapshot/T2")
    assert kernel.shown("")[0].split("#")[0] == address.split("#")[0]
    (tmp_path / "notebook.html").write_text(f"<!doctype html><title>Notebook</title>{shown}", encoding="utf-8")
    handler = partial(SimpleHTTPRequestHandler, directory=str(tmp_path))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        page = browser.new_page()
        page.goto(f"http://localhost:{server.server_port}/notebook.html")  # not the same site as 127.0.0.1
        frame = page.frame_locator("iframe.dws-web")
        frame.locator(".tile-value:has-text('0.9')").wait_for()
        frame.locator("nav a:has-text('Experiments')").click()
        frame.locator(".line a:has-text('T1')").wait_for()
        page.close()
        server.shutdown()
    token = address.split("/")[3]
    ours = f"http://127.0.0.1:{port}"
    assert asked(port, f"/{token}/api/experiments")[0] == 200
    assert asked(port, "/api/experiments")[0] == 403
    assert asked(port, f"/{token[:-1]}x/api/experiments")[0] == 403
    assert asked(port, f"/{token}/api/experiments", Host="evil.example")[0] == 421
    assert asked(port, f"/{token}/api/experiments", Origin="http://evil.example")[0] == 403
    assert asked(port, f"/{token}/api/snapshots/T1/notes", "POST", '"x"')[0] == 403
    assert asked(port, f"/{token}/api/snapshots/T1/labels", "POST", "[1]", Origin=ours)[0] == 400
    kernel.kill()
    for _ in range(100):
        try:
            asked(port, f"/{token}/api/experiments")
        except OSError:
            break
        time.sleep(0.1)
    else:
        raise AssertionError("the server has outlived its kernel")


def test_page_of_the_web_can_have_no_frame_of_it(kernel: Kernel, browser: Browser) -> None:
    address, _ = kernel.shown("")
    page = browser.new_page()
    page.route("http://evil.example/", lambda route: route.fulfill(body=f"<iframe src='{address}'></iframe>"))
    page.goto("http://evil.example/")
    page.wait_for_timeout(1500)
    assert all("Experiments" not in frame.content() for frame in page.frames[1:])
    page.close()


def test_cell_says_what_is_wrong(workspace: User) -> None:
    done = subprocess.run(
        [sys.executable, "-c", CELL], cwd=workspace.cwd.parent, env=workspace.env, input="\n", text=True,
        capture_output=True,
    )  # fmt: skip
    assert "UsageError: dws_web: " in done.stderr
