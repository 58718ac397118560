"""``evergraph quickstart``: a model trained, kept, brought back, frozen and asked, with the files it leaves."""

from __future__ import annotations

import os
import sys
import tempfile
from typing import Any

import click

# Where water boils (degrees Fahrenheit) at which air pressure (inches of mercury): J. D. Forbes's measurements in the
# Alps and in Scotland, published in 1857.
_PRESSURES = [20.79, 20.79, 22.40, 22.67, 23.15, 23.35, 23.89, 23.99, 24.02]
_PRESSURES += [24.01, 25.14, 26.57, 28.49, 27.76, 29.04, 29.88, 30.06]
_BOILING_POINTS = [194.5, 194.3, 197.9, 198.4, 199.4, 199.9, 200.9, 201.1, 201.4]
_BOILING_POINTS += [201.3, 203.6, 204.6, 209.5, 208.6, 210.7, 211.9, 212.2]
_STEPS = 200
_AT = 29.92  # The pressure at sea level.


@click.command()
@click.option(
    "-d", "--folder", metavar="FOLDER", help="Where to leave the files; else a temporary folder."
)
def quickstart(folder: str | None) -> None:
    """Train, save, restore, freeze and predict once, and show the files of each step.

    \b
      evergraph quickstart -d first-steps
    """
    if folder is None:
        with tempfile.TemporaryDirectory(prefix="evergraph-quickstart-") as temporary:
            _tour(temporary)
        click.echo(
            "\nThe files were temporary; `evergraph quickstart -d FOLDER` leaves them in FOLDER."
        )
    else:
        _tour(folder)
        click.echo(f"\nThe files are in {folder}. Look into them: evergraph inspect {folder}")


def _tour(folder: str) -> None:
    import evergraph
    import evergraph.tf1 as tf
    from evergraph.cli.facts import facts_of

    prefix = os.path.join(folder, "model.ckpt")
    frozen_file = os.path.join(folder, "frozen.pb")

    _step(1, "Train: the boiling point of water over air pressure, 17 measurements of 1857")
    trained = _train(tf, prefix)
    slope, offset = trained
    click.echo(
        f"   {_STEPS} steps of gradient descent: boiling point = {slope:.3f} * pressure + {offset:.2f}"
    )
    click.echo(f"   tf.train.Saver().save(session, {prefix!r}, global_step={_STEPS})")
    saved = facts_of(folder)["latest"]
    for file in saved["files"]:
        click.echo(f"     {file['name']:<40} {file['bytes']:>7,} bytes  {file['holds']}")

    _step(2, "Bring it back without its code: structure from .meta, values from .index and .data")
    with tf.Graph().as_default(), tf.Session() as session:
        latest = tf.train.latest_checkpoint(folder)
        tf.train.import_meta_graph(latest + ".meta").restore(session, latest)
        restored = session.run(["slope:0", "offset:0"])
        predicted = session.run("prediction:0", {"pressure:0": [_AT]})[0]
    _check(tuple(float(value) for value in restored) == trained, "what came back is what was saved")
    click.echo(
        f"   slope, offset = {restored[0]:.3f}, {restored[1]:.2f}; at {_AT} inHg water boils at {predicted:.2f} F"
    )

    _step(3, "Read it as plain arrays, with no graph")
    with evergraph.open_checkpoint(folder) as checkpoint:
        for name in ("offset", "slope"):
            click.echo(f"   evergraph.open_checkpoint({folder!r})[{name!r}] = {checkpoint[name]}")

    _step(4, "Freeze it: graph and values in one file that predicts")
    frozen = evergraph.freeze(folder)
    with tf.gfile.GFile(frozen_file, "wb") as file:
        file.write(frozen.graph_def.SerializeToString())
    click.echo(f"   evergraph freeze {folder} -o {frozen_file}")
    click.echo(
        f"     {os.path.basename(frozen_file):<40} {os.path.getsize(frozen_file):>7,} bytes  "
        f"{len(frozen.graph_def.node)} nodes, {', '.join(frozen.inputs)} -> {', '.join(frozen.outputs)}"
    )

    _step(5, "Predict from that file alone")
    with evergraph.load_model(frozen_file) as model:
        again = model(pressure=[_AT])["prediction"][0]
    click.echo(f"   evergraph.load_model({frozen_file!r})(pressure=[{_AT}]) -> {again:.2f} F")
    _check(again == predicted, "the frozen file predicts what the checkpoint does")


def _train(tf: Any, prefix: str) -> tuple[float, float]:
    """Fits the line, saves the session as ``prefix``-steps; slope and offset."""
    with tf.Graph().as_default():
        pressure = tf.placeholder(tf.float32, [None], name="pressure")
        measured = tf.placeholder(tf.float32, [None], name="boiling_point")
        # Both are trained around a middle value, where gradient descent is quick.
        slope = tf.Variable(1.0, name="slope")
        middle = tf.Variable(200.0, name="middle")
        offset = tf.Variable(0.0, trainable=False, name="offset")
        center = sum(_PRESSURES) / len(_PRESSURES)
        loss = tf.reduce_mean(tf.square(measured - (slope * (pressure - center) + middle)))
        train = tf.train.GradientDescentOptimizer(0.04).minimize(loss)
        tf.add(slope * pressure, offset, name="prediction")
        settle = offset.assign(middle - slope * center)
        saver = tf.train.Saver()
        with tf.Session() as session:
            session.run(tf.global_variables_initializer())
            for _ in range(_STEPS):
                session.run(train, {pressure: _PRESSURES, measured: _BOILING_POINTS})
            session.run(settle)
            saver.save(session, prefix, global_step=_STEPS)
            found = session.run([slope, offset])
    return float(found[0]), float(found[1])


def _step(number: int, title: str) -> None:
    click.echo(f"\n{number}. {title}" if number > 1 else f"{number}. {title}")


def _check(holds: bool, claim: str) -> None:
    if not holds:
        click.echo(f"   FAILED: {claim}", err=True)
        sys.exit(1)
    click.echo(f"   ok: {claim}")
