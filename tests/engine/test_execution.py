"""Serial and parallel execution: same results, clear failures, prompt interruption."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import pytest
from threadpoolctl import threadpool_info

from simulations.engine.execution import TaskError, _grouped, default_workers, execute

ROOT = Path(__file__).parents[2]
_prefix: list[str] = []


def remember(prefix):
    _prefix.append(prefix)


def refuse(_):
    raise RuntimeError("no licence")


def label(task):
    return f"{''.join(_prefix)}{task}"


def square_sum(seed):
    matrix = np.random.default_rng(seed).normal(size=(200, 200))
    return float(np.sum(matrix @ matrix))


def threads(_):
    return [library["num_threads"] for library in threadpool_info()]


def fail_at_three(task):
    if task == 3:
        raise ValueError("three is too many\nand a second line")
    return task


def leave(task):
    sys.exit(f"leaving at {task}")


def kill_itself(task):
    if task == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return task


def meet(folder):
    """Return the process id once a second process has come to the same folder."""
    (Path(folder) / str(os.getpid())).touch()
    deadline = time.monotonic() + 60
    while len(os.listdir(folder)) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return os.getpid()


def unpicklable(_):
    return lambda: None


def sleep_long(_):
    time.sleep(60)


def test_serial_is_lazy_and_in_order():
    drawn = []
    _prefix.clear()

    def tasks():
        for task in range(5):
            drawn.append(task)
            yield task

    results = execute(label, tasks(), workers=1, initializer=remember, initargs=("t",))
    assert next(results) == (0, "t0")
    assert drawn == [0]
    assert list(results) == [(1, "t1"), (2, "t2"), (3, "t3"), (4, "t4")]


def test_parallel_gives_the_results_of_serial_bit_for_bit():
    serial = dict(execute(square_sum, range(12), workers=1))
    for workers in (2, 4):
        assert dict(execute(square_sum, range(12), workers=workers)) == serial
    assert len(serial) == 12


def test_parallel_uses_several_processes_and_the_initializer_of_each(tmp_path):
    pids = {pid for _, pid in execute(meet, [str(tmp_path)] * 2, workers=2)}
    assert len(pids) == 2
    assert os.getpid() not in pids
    _prefix.clear()
    texts = dict(execute(label, "abc", workers=2, initializer=remember, initargs=(">",)))
    assert texts == {0: ">a", 1: ">b", 2: ">c"}


@pytest.mark.parametrize("workers", [1, 2])
def test_blas_has_one_thread_in_a_task(workers):
    for _, counts in execute(threads, range(2), workers=workers):
        assert set(counts) == {1}


def test_serial_restores_threads_and_environment():
    before = [library["num_threads"] for library in threadpool_info()]
    variable = os.environ.get("OMP_NUM_THREADS")
    list(execute(label, [1], workers=1))
    assert [library["num_threads"] for library in threadpool_info()] == before
    assert os.environ.get("OMP_NUM_THREADS") == variable


def test_the_queue_of_submitted_tasks_is_bounded():
    drawn = 0

    def endless():
        nonlocal drawn
        while True:
            drawn += 1
            yield drawn

    for count, _ in enumerate(execute(abs, endless(), workers=2), 1):
        assert drawn <= count + 4  # one task per worker, and one more drawn for each answer
        if count == 50:
            break


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("tasks", [[], [7]])
def test_fewer_tasks_than_workers(workers, tasks):
    assert list(execute(abs, tasks, workers=workers)) == list(enumerate(tasks))


@pytest.mark.parametrize("workers", [1, 2])
def test_an_exception_names_the_task_in_one_line(workers):
    with pytest.raises(TaskError) as caught:
        list(execute(fail_at_three, range(6), workers=workers))
    assert str(caught.value) == "task 3 (3): ValueError: three is too many"


def test_the_trace_of_a_worker_is_attached():
    with pytest.raises(TaskError) as caught:
        list(execute(fail_at_three, range(6), workers=2))
    assert "in fail_at_three" in caught.value.__notes__[0]


@pytest.mark.parametrize("workers", [1, 2])
def test_a_task_cannot_end_the_process(workers):
    with pytest.raises(TaskError, match=r"task 0 \(5\): SystemExit: leaving at 5"):
        list(execute(leave, [5], workers=workers))


def test_a_dead_worker_is_reported_with_its_task():
    with pytest.raises(TaskError, match=r"task 2 \(2\): the worker process was killed by SIGKILL"):
        list(execute(kill_itself, range(3), workers=2))


def kill_itself_once(task):
    """End the process at the first attempt at task 2."""
    folder, number = task
    if number == 2 and not (Path(folder) / "killed").exists():
        (Path(folder) / "killed").touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return number * number


def test_the_task_of_a_dead_worker_is_done_by_another(tmp_path, caplog):
    tasks = [(str(tmp_path), number) for number in range(5)]
    assert dict(execute(kill_itself_once, tasks, workers=2)) == {i: i * i for i in range(5)}
    assert (tmp_path / "killed").exists()
    (told,) = (record.getMessage() for record in caplog.records if record.name == "adageo.run")
    assert told.startswith("task 2 (")
    assert told.endswith("was killed by SIGKILL (out of memory?); its work is done again")
    assert "\n" not in told


def process_of(task):
    """End the process at the first attempt at c2; else return the process that does it."""
    folder, name = task
    if name == "c2" and not (Path(folder) / "killed").exists():
        (Path(folder) / "killed").touch()
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(0.01)
    return os.getpid()


def test_tasks_that_belong_together_are_done_in_one_process_and_in_order(tmp_path):
    (tmp_path / "killed").touch()
    names = [*(f"a{k}" for k in range(6)), "x", "y", *(f"b{k}" for k in range(6)), "z"]
    tasks = [(str(tmp_path), name) for name in names]
    found = list(execute(process_of, tasks, workers=3,
                         together=lambda task: task[1][0] if len(task[1]) > 1 else ""))  # fmt: skip
    assert sorted(index for index, _ in found) == list(range(15))
    places = {names[index]: pid for index, pid in found}
    for group in "ab":
        assert len({places[f"{group}{k}"] for k in range(6)}) == 1
        order = [names[index] for index, _ in found if names[index][0] == group]
        assert order == sorted(order)


def test_only_tasks_that_belong_together_are_drawn_ahead():
    drawn = []

    def tasks():
        for name in ("x", "y", "a0", "a1", "z", "w"):
            drawn.append(name)
            yield name

    found = _grouped(tasks(), lambda name: name[0] if len(name) > 1 else "")
    seen = [([name for _, name in next(found)], len(drawn)) for _ in range(5)]
    assert seen == [(["x"], 1), (["y"], 2), (["a0", "a1"], 5), (["z"], 5), (["w"], 6)]
    assert next(found, None) is None


def test_the_heir_of_a_dead_worker_does_what_belonged_together(tmp_path):
    names = [*(f"c{k}" for k in range(6)), *(f"d{k}" for k in range(40))]
    tasks = [(str(tmp_path), name) for name in names]
    places = dict(execute(process_of, tasks, workers=2, together=lambda task: task[1][0]))
    assert (tmp_path / "killed").exists()
    assert places[0] == places[1]
    heirs = {places[index] for index in range(2, 6)}
    assert len(heirs) == 1
    assert heirs.isdisjoint({places[0]})
    assert len({places[index] for index in range(6, 46)}) == 1


def test_a_failing_initializer_is_reported():
    with pytest.raises(TaskError, match="initializer of a worker: RuntimeError: no licence"):
        list(execute(abs, range(3), workers=2, initializer=refuse, initargs=(0,)))


def test_what_cannot_travel_is_named():
    with pytest.raises(TaskError, match=r"task 0 .*cannot be sent to a worker"):
        list(execute(abs, [lambda: None], workers=2))
    with pytest.raises(TaskError, match=r"task 0 \(1\): .*"):
        list(execute(unpicklable, [1], workers=2))
    with pytest.raises(TaskError, match="cannot start a worker process"):
        list(execute(lambda task: task, [1], workers=2))


def test_a_long_task_is_named_briefly():
    with pytest.raises(TaskError) as caught:
        list(execute(abs, ["x" * 5000], workers=1))
    assert len(str(caught.value)) < 300


def test_leaving_the_loop_stops_the_workers_at_once():
    results = execute(sleep_or_answer, [0, 60], workers=2)
    assert next(results)[1] == 0
    start = time.monotonic()
    results.close()
    assert time.monotonic() - start < 5


def sleep_or_answer(seconds):
    time.sleep(seconds)
    return seconds


@pytest.mark.parametrize("workers", [0, -1, 1.0, True])
def test_wrong_number_of_workers(workers):
    with pytest.raises(ValueError, match="workers is"):
        execute(abs, [1], workers=workers)


def test_default_workers_obeys_the_affinity():
    assert 1 <= default_workers() <= os.cpu_count()


_INTERRUPTED = """
    import sys, time
    from simulations.engine.execution import execute

    if __name__ == "__main__":
        print("started", flush=True)
        try:
            for _, result in execute(time.sleep, [0.0, 0.0] + [60.0] * 9, workers=2):
                print("result", flush=True)
        except KeyboardInterrupt:
            print("interrupted", flush=True)
            sys.exit(130)
"""


@pytest.mark.parametrize("moment", ["while the workers start", "while they work"])
def test_ctrl_c_stops_everything_without_a_trace(tmp_path, moment):
    script = tmp_path / "long_job.py"
    script.write_text(textwrap.dedent(_INTERRUPTED))
    job = subprocess.Popen(
        [sys.executable, str(script)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        start_new_session=True, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert job.stdout.readline() == "started\n"
    if moment == "while they work":
        assert job.stdout.readline() == "result\n"
        assert job.stdout.readline() == "result\n"
    time.sleep(0.2)
    start = time.monotonic()
    os.killpg(job.pid, signal.SIGINT)  # what a terminal does: the whole group gets it
    out, err = job.communicate(timeout=30)
    assert time.monotonic() - start < 10
    assert out.splitlines()[-1] == "interrupted"
    assert err == ""
    assert job.returncode == 130
    assert group_ends(job.pid)


def group_ends(group):
    for _ in range(200):  # the resource tracker may outlive its parent by a moment
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    return False
