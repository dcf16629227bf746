"""Figures of rounds become medians with their spread, a table and JSON."""

import statistics


def spread(values):
    return {"median": statistics.median(values), "min": min(values), "max": max(values)}


def summary(question, rounds):
    """`rounds`: pairs of loadgen results, subject first."""
    unit, figure = question.figure
    wall_unit, wall = question.wall
    subject = [figure(pair[0]) for pair in rounds]
    peer = [figure(pair[1]) for pair in rounds]
    both = [[r["server_cpu"] + r["cpu"] for r in pair] for pair in rounds]
    out = {
        "question": question.name, "text": question.text, "bar": question.bar,
        "harder": question.harder,
        "peer": question.peer, "rounds": len(rounds), "unit": unit,
        "subject_cpu": spread(subject), "peer_cpu": spread(peer),
        # Paired: the two sides of a round ran within the same few seconds.
        "ratio": spread([mine / its for mine, its in zip(subject, peer)]),
        "ratio_with_client": spread([mine / its for mine, its in both]),
        "wall_unit": wall_unit,
        "subject_wall": spread([wall(pair[0]) for pair in rounds]),
        "peer_wall": spread([wall(pair[1]) for pair in rounds]),
        "subject_p50": statistics.median(pair[0]["p50"] for pair in rounds),
        "peer_p50": statistics.median(pair[1]["p50"] for pair in rounds),
        "raw": [{"subject": pair[0], "peer": pair[1]} for pair in rounds],
    }
    out["met"] = out["ratio"]["median"] <= question.bar
    return out


def _show(numbers, digits=3):
    return "{:.{d}f} ({:.{d}f}-{:.{d}f})".format(
        numbers["median"], numbers["min"], numbers["max"], d=digits)


def line(result):
    digits = 1 if result["unit"].startswith("us") else 3
    verdict = "met" if result["met"] else "NOT MET"
    if result["harder"]:
        verdict += " (harder than the bar)"
    cells = [result["question"], result["unit"], _show(result["subject_cpu"], digits),
             _show(result["peer_cpu"], digits) + " " + result["peer"],
             _show(result["ratio"], 2), f"<= {result['bar']:.2f}",
             verdict]
    return cells


def wall_line(result):
    digits = 1 if result["wall_unit"].startswith("k") else 2
    return [result["question"], result["wall_unit"], _show(result["subject_wall"], digits),
            _show(result["peer_wall"], digits), _show(result["ratio_with_client"], 2),
            f"{1e3 * result['subject_p50']:.2f} / {1e3 * result['peer_p50']:.2f}"]


def table(head, rows):
    widths = [max(len(row[i]) for row in [head] + rows) for i in range(len(head))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip()
             for row in [head] + rows]
    return "\n".join([lines[0], "-" * len(lines[0])] + lines[1:])


def tables(results, subject):
    cpu = table(["cost", "unit", subject, "peer", "ratio", "bar", ""],
                [line(result) for result in results])
    wall = table(["wall", "unit", subject, "peer", "CPU ratio with client", "p50 ms"],
                 [wall_line(result) for result in results])
    return cpu + "\n\n" + wall
