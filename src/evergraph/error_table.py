"""The table of errors: what a message means and what to do, one row a message.

Three things are made of it: ``docs/errors.md`` (by ``tools/errors_document.py``), what ``evergraph explain`` prints,
and the pointer at the end of an error's traceback (`evergraph.errors.documented`). A row is known by its message. What
stands in braces there is an example and may be anything; the rest is what the code says, word for word.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from evergraph.errors import KeyNotFoundError
from evergraph.nearest import did_you_mean

_RESTORING = "Restoring"
_READING = "Reading a checkpoint"
_IMPORTING = "Importing a graph"
_RUNNING = "Running"
_FREEZING = "Freezing"
_SAVING = "Saving"
# What an error's last line says, in a traceback or by itself.
_POINTER = re.compile(r"evergraph explain ([\w-]+) \(docs/errors")
# How much of a question is repeated where there is no answer.
_MOST_SHOWN = 80
#: The section of what is logged, and is no error.
NOTICES = "Notices in the log"


class Row(NamedTuple):
    """A message and its explanation.

    Attributes:
        section: what somebody was doing who met it.
        name: a short name for ``evergraph explain NAME``.
        template: its first line, with examples in braces; "…" in them is more text.
        kind: the class of the error, "" for a notice.
        cause: why it comes, in Markdown without links.
        cure: what to do about it, likewise; "" where the cause says it.
    """

    section: str
    name: str
    template: str
    kind: str
    cause: str
    cure: str = ""

    @property
    def message(self) -> str:
        """A message as a program might see it."""
        return self.template.replace("{", "").replace("}", "")

    @property
    def text(self) -> str:
        """Everything that is said."""
        return "\n".join([self.section, self.name, self.message, self.kind, self.cause, self.cure])

    @property
    def wording(self) -> list[str]:
        """What every such message has, in this order."""
        first, *others = self.template.split("{")
        parts = [first, *(part.partition("}")[2] for part in others)]
        return [part for part in parts if part]

    @property
    def anchor(self) -> str:
        """Where the row's section is in docs/errors.md."""
        return self.section.lower().replace(" ", "-")

    @property
    def pointer(self) -> str:
        """The line that leads from an error to this row."""
        return f"Cause and cure: evergraph explain {self.name} (docs/errors.md#{self.anchor})"


ROWS = (
    Row(
        _RESTORING,
        "missing-variables",
        "Key {fc/bias} not found in checkpoint {runs/model-500}. {2} of the {2} variables that "
        "the graph restores are not in it:",
        "NotFoundError",
        "The graph calls its variables differently from the one that was saved, or has more of "
        "them.",
        "The message's other lines list every missing name with the nearest ones, and a call that "
        "fits: `evergraph.restore(path, session=sess, rename={...})`, or `strict=False` to "
        "restore what is there.",
    ),
    Row(
        _RESTORING,
        "other-shape",
        "{1 variable has} another shape or type than in checkpoint {runs/model-500}:",
        "InvalidArgumentError",
        "A layer has another size than when it was saved: usually the last one, with another "
        "number of classes.",
        "`evergraph.restore(..., skip_mismatch=True)` leaves such variables as they are.",
    ),
    Row(
        _RESTORING,
        "no-such-checkpoint",
        "{The passed save_path is not a valid checkpoint: runs/modle-500. }There is no checkpoint "
        "'{runs/modle-500}': {no runs/modle-500.index (format V2), no such file (V1). Nearest "
        "names there: …}",
        "ValueError",
        "The path is misspelt, or relative to another folder.",
        "Take one of the nearest names; any file of the checkpoint, or its folder, does too.",
    ),
    Row(
        _RESTORING,
        "no-path",
        "Can't load save_path when it is None. {…}",
        "ValueError",
        "`tf.train.latest_checkpoint` found nothing, and gave None.",
        "The log says what it looked for; `tf.train.latest_checkpoint(folder, valid=True)` goes "
        "without the state file.",
    ),
    Row(
        _RESTORING,
        "deleted-checkpoint",
        "{The passed save_path is not a valid checkpoint: runs/model-200. }There is no checkpoint "
        "'{runs/model-200}': {no runs/model-200.index (format V2), no such file (V1). Nearest "
        "names there: 'model-300', 'model-400', 'model-500'.} The newest is '{model-500}', of a "
        "later step: a training run {…}",
        "ValueError",
        "A training run has deleted it since (`max_to_keep`).",
        "Ask for the latest again. What `evergraph.open_checkpoint` has opened stays readable, "
        "and `evergraph.restore` takes it.",
    ),
    Row(
        _RESTORING,
        "uninitialized",
        "Attempting to use uninitialized value {head}",
        "FailedPreconditionError",
        "The Saver's `var_list` did not have the variable, or the graph holds the model twice "
        "(`dense` and `dense_1`: then the message says so).",
        "Run `tf.variables_initializer` for what was not restored, before restoring; build the "
        "model once.",
    ),
    Row(
        _RESTORING,
        "no-state-file",
        "{runs} has {3} checkpoints and no state file ('{checkpoint}') to say which is newest: "
        "{open one by its prefix, model-300, model-400, model-500.}",
        "InvalidArgumentError",
        "The file named `checkpoint` was not copied with the others.",
        "Give a prefix; `evergraph verify runs --latest` finds the newest that is whole.",
    ),
    Row(
        _READING,
        "missing-tensor",
        "Key {kernel} not found in checkpoint {runs/model-500}, which {has 2 tensors. Nearest "
        "names there: 'dense/kernel'.}",
        "NotFoundError",
        "Tensors have the full names of their variables.",
        "`evergraph inspect runs/model-500` lists them.",
    ),
    Row(
        _READING,
        "git-lfs",
        "{runs/model-500.index} is a Git LFS pointer, not the file itself: `git lfs pull` "
        "downloads that. A checkpoint was expected: not an sstable (bad magic number).",
        "DataLossError",
        "The repository keeps large files in Git LFS, and only their names were cloned. Other "
        "kinds of file (web pages, archives, HDF5, text) are named likewise.",
        "`git lfs pull`; or download the file itself.",
    ),
    Row(
        _READING,
        "missing-data",
        "Tensor {'dense/bias'} cannot be read, it lies in data file {0} of {1}: "
        "{runs/model-500.data-00000-of-00001; No such file or directory. Nearest names there: "
        "'model-300.data-00000-of-00001', 'model-400.data-00000-of-00001'.}",
        "NotFoundError",
        "Only some of the checkpoint's files were copied.",
        "Copy all that begin with the prefix.",
    ),
    Row(
        _READING,
        "damaged-tensor",
        "{runs/model-500.data-00000-of-00001} is damaged in {tensor 'dense/kernel', 16 bytes from "
        "offset 8: Checksum does not match, it is 0xf934940b and should be 0x9eba690a. Either it "
        "has changed, or it is not the data that belongs to runs/model-500.index.}",
        "DataLossError",
        "The disk or a copy changed it; or TensorFlow was stopped between replacing data and "
        "index of a prefix that was there already.",
        "`evergraph verify runs` tells what else is damaged and what is readable; "
        '`tf.train.latest_checkpoint("runs", valid=True)` gives the newest whole one.',
    ),
    Row(
        _READING,
        "cut-short",
        "{runs/model-500.data-00000-of-00001} is cut short: tensor {'dense/kernel'} has {16} "
        "bytes from offset {8}, and the file has {20. Either it has changed, or it is not the "
        "data that belongs to runs/model-500.index.}",
        "DataLossError",
        "A copy or download did not finish, or the disk was full.",
        "Copy it again; `evergraph verify runs` tells what else is damaged, and what is readable.",
    ),
    Row(
        _READING,
        "damaged-index",
        "{runs/model-500}.index is damaged: {block checksum mismatch, the block at offset 0 (75 "
        "bytes) has 0x0733cd16 instead of 0x7802f54a.}",
        "DataLossError",
        "The disk or a copy changed the index: the tensors of that block cannot be found.",
        "`evergraph verify runs` lists those of the other blocks; "
        '`tf.train.latest_checkpoint("runs", valid=True)` gives the newest whole checkpoint.',
    ),
    Row(
        _READING,
        "bad-state-file",
        "{runs/checkpoint} is not a checkpoint state file: {1:1 : Message type "
        '"tensorflow.CheckpointState" has no field named "model-500". Such a file is a few lines '
        'of text like `model_checkpoint_path: "model.ckpt-1000"`; the checkpoints beside it can '
        "be opened by their own names.}",
        "DataLossError",
        "Somebody edited it.",
        "Open the checkpoint by its prefix; the next save writes the file anew.",
    ),
    Row(
        _READING,
        "state-file-alone",
        "{copy/checkpoint} names the checkpoint '{/home/me/runs/model-500}', and not all of its "
        "files are in the folder {copy}, nor those of an older one. {No checkpoint is there.}",
        "NotFoundError",
        "The state file was copied without the checkpoint. A folder that was moved as a whole is "
        "read, with a notice.",
        "Copy the files that begin with `model-500`, too.",
    ),
    Row(
        _IMPORTING,
        "git-lfs-graph",
        "{model.meta} is a Git LFS pointer, a few lines of text that stand for the file; a "
        "{MetaGraphDef} was expected. {Fetch the file itself: run `git lfs pull` in its "
        "repository.}",
        "DataLossError",
        "The repository keeps large files in Git LFS, and only their names were cloned.",
        "`git lfs pull`.",
    ),
    Row(
        _IMPORTING,
        "web-page",
        "{frozen.pb} is a web page (HTML): the download gave a page instead of the file. {A "
        "checkpoint was expected: not an sstable (bad magic number).}",
        "DataLossError",
        "The link led to a page: for logging in, or GitHub's view of the file.",
        'The link behind "Raw" or "Download".',
    ),
    Row(
        _IMPORTING,
        "damaged-graph",
        "{runs/model-500.meta} is a {MetaGraphDef}, damaged at byte {997} of {1000}: "
        "{graph_def[0] should go on to byte 4366, past the end at 1000}. It was probably cut off "
        "or changed when it was copied: get the file again.",
        "DataLossError",
        "A copy or download did not finish.",
        "Copy it again; the weights do not need it.",
    ),
    Row(
        _IMPORTING,
        "other-message",
        "Error parsing message{ with type 'tensorflow.GraphDef': Wire format was corrupt}. These "
        "{74} bytes are {a Git LFS pointer, a few lines of text that stand for the file; a "
        "GraphDef was expected. Fetch the file itself: run `git lfs pull` in its repository.}",
        "DecodeError",
        "`ParseFromString` was given a file of another kind: what it is stands there (text, a "
        "SavedModel, a MetaGraph, a page ...).",
        "What the message's last sentence says; `evergraph.load_model(path)` and `evergraph "
        "inspect` tell kinds apart.",
    ),
    Row(
        _IMPORTING,
        "no-meta",
        "{runs/model-500.meta} is not there: the checkpoint {runs/model-500} has values but no "
        "graph. {It was saved with write_meta_graph=False, or the .meta was not copied with it. "
        "Its values can be read: evergraph.open_checkpoint('runs/model-500') has them by name; or "
        "build the graph in code, and restore into it with tf.train.Saver().}",
        "NotFoundError",
        "A checkpoint's graph is a file of its own.",
        "Copy the `.meta` too; or read the values by name, or build the graph in code, as the "
        "message says.",
    ),
    Row(
        _IMPORTING,
        "path-for-graph",
        "graph_def must be a GraphDef proto, got {str}. To import a file, parse it first: {…}",
        "TypeError",
        "`tf.import_graph_def` takes the message, not the path.",
        "Parse the file first, as the message says; or `evergraph.load_model(path)`.",
    ),
    Row(
        _IMPORTING,
        "imported-twice",
        "Node name '{input}' already exists in the Graph; import under another name= (a prefix), "
        "or into a fresh tf.Graph()",
        "ValueError",
        "The graph was imported twice, or built in code and imported.",
        "`tf.reset_default_graph()`, or `with tf.Graph().as_default():`.",
    ),
    Row(
        _RUNNING,
        "missing-name",
        "The name '{input:0}' refers to a Tensor which does not exist. The operation, '{input}', "
        "does not exist in the graph.{ Near names: 'import/input:0'. Pass name='' to "
        "import_graph_def to import without the prefix 'import/'.}",
        "KeyError",
        "`tf.import_graph_def` puts `import/` in front of names.",
        '`tf.import_graph_def(graph_def, name="")`.',
    ),
    Row(
        _RUNNING,
        "unknown-op",
        "Op type '{FancyOp}' has no computation here; node '{fancy}' needs it. {Fetch something "
        "that does not depend on 'fancy', feed its outputs, or declare the op with "
        "evergraph.graph.registry.op.}",
        "UnimplementedError",
        "The graph has an op of a plug-in, or of another TensorFlow. It is imported, listed, "
        "saved and exported all the same.",
        "As the message says; `tf.graph_util.extract_sub_graph` cuts off what predictions do not "
        "need.",
    ),
    Row(
        _RUNNING,
        "not-fed",
        "You must feed a value for placeholder tensor {'input' }with dtype {float and shape [?,2]}",
        "InvalidArgumentError",
        "What is fetched depends on it.",
        '`sess.run(fetches, {"input:0": values})`.',
    ),
    Row(
        _RUNNING,
        "not-in-evergraph",
        "module '{tf.contrib}' has no attribute '{no_such_module}' in evergraph{.}",
        "AttributeError",
        "evergraph does not have the name; `docs/api_coverage.md` lists the names that are missing.",
        "Take the nearest name, where the message has one.",
    ),
    Row(
        _FREEZING,
        "missing-output",
        "{probabilties} is not in graph.{ Near names: probabilities. Likely outputs of this "
        "graph: probabilities.}",
        "AssertionError",
        "The name of the output is not known, or misspelt.",
        "Take one of the likely outputs; `:0` behind it does no harm. Without names, `evergraph "
        "freeze` works it out.",
    ),
    Row(
        _SAVING,
        "no-variables",
        "No variables to save: var_list is empty, or the default graph has no variables (yet). {…}",
        "ValueError",
        "The Saver was made before the model, or in another graph.",
        "Make the Saver after the model, in its graph.",
    ),
    Row(
        _SAVING,
        "long-name",
        "{…} File name too long: its longest name has {290} bytes, and all of it {290}; most "
        "disks allow 255 and 4,095. {(What is written has a temporary name at first, some 45 "
        "longer.)}",
        "InvalidArgumentError",
        "The prefix has hyperparameters in its name, for example.",
        "A shorter prefix, or folders.",
    ),
    Row(
        _SAVING,
        "file-for-folder",
        "{file; File exists: 'file'} is a file, so there can be no folder of that name.",
        "AlreadyExistsError",
        "A folder that is to be made has the name of a file.",
        "Another folder. (Folders that are not there are made.)",
    ),
    Row(
        _SAVING,
        "disk-full",
        "{big.data-00000-of-00001} needs {1,152,921,504,606,846,976} bytes, but the disk of {…}",
        "ResourceExhaustedError",
        "The disk is full; the old checkpoints are untouched.",
        "Room, or a smaller `max_to_keep`.",
    ),
    Row(
        _SAVING,
        "no-prefix",
        "{'runs'} cannot be a checkpoint's prefix, which is how its files' names begin, such as "
        "'folder/model.ckpt'.",
        "InvalidArgumentError",
        "It is a folder, or the name of one file of a checkpoint.",
        "Add a name: `runs/model`.",
    ),
    Row(
        _SAVING,
        "graph-too-large",
        "{./graph.pb: }The {GraphDef} takes {5,063} bytes, but protobuf reads no message of more "
        "than {4,000} (2 GB). {…}",
        "InvalidArgumentError",
        "Large arrays were made constants. The message names the ten largest.",
        "Make them variables, or feed them.",
    ),
    Row(
        NOTICES,
        "growing-graph",
        "{1,204} nodes added since the last save; are ops built in a loop?",
        "",
        "Each step makes operations: training gets slower, the `.meta` larger. Build them before "
        "the loop.",
    ),
    Row(
        NOTICES,
        "left-out",
        "This Saver leaves out {2} of the model's variables, which are not trained but have a "
        "part in what it computes",
        "",
        "`var_list=tf.trainable_variables()` leaves out the moving averages of batch "
        "normalization: predictions after restoring differ.",
    ),
    Row(
        NOTICES,
        "not-restored",
        "has {2} of the model's variables that this Saver does not restore",
        "",
        "`var_list` leaves out the moving averages of batch normalization: predictions after "
        "restoring differ.",
    ),
    Row(
        NOTICES,
        "initialized-again",
        "Variables that were restored from {runs/model-500} are initialized again",
        "",
        "The initializer ran after the restore, and undid it. (At the level INFO: "
        "`tf.logging.set_verbosity(tf.logging.INFO)` shows it.)",
    ),
    Row(
        NOTICES,
        "unknown-attributes",
        "The graph has {3} attributes that are not known here",
        "",
        "A newer TensorFlow wrote it; the attributes are kept, and have no effect.",
    ),
    Row(
        NOTICES,
        "moved-folder",
        "which is not there; taking {runs/model-500} beside it (the folder was moved)",
        "",
        "The state file has the absolute path of where it was.",
    ),
    Row(
        NOTICES,
        "graph-of-checkpoint",
        "belongs to a checkpoint; its graph is read",
        "",
        "`import_meta_graph` was given another file of the checkpoint.",
    ),
    Row(
        NOTICES,
        "large-graph",
        "is large: {1,000,000,000} bytes of the 2,147,483,647 that protobuf takes",
        "",
        "The graph comes near the limit; its largest constants are named.",
    ),
    Row(
        NOTICES,
        "passed-over",
        "Passed over: {runs/model-500: damaged.}",
        "",
        "`latest_checkpoint(valid=True)` goes back to an older checkpoint.",
    ),
)

# What one row says, a more special one may say as well: the one with more words of its own is asked first.
_BY_WORDING = sorted(((row.wording, row) for row in ROWS), key=lambda pair: -sum(map(len, pair[0])))


def row_of(message: str) -> Row | None:
    """The row that explains ``message``, which may have other text around it; None where no row does."""
    return next((row for parts, row in _BY_WORDING if _has_in_order(message, parts)), None)


def rows_about(text: str) -> list[Row]:
    """The rows that ``text`` asks for: by a row's or a section's name, by a message, else by words of any field.

    Raises KeyNotFoundError where there are none, with the nearest names.
    """
    wanted = " ".join(text.split())
    pointed = _POINTER.search(wanted)
    if pointed is not None:
        wanted = pointed[1]
    name = wanted.lower().replace(" ", "-")
    named = [row for row in ROWS if name in (row.name, row.anchor)]
    if named:
        return named
    explained = row_of(wanted)
    if explained is not None:
        return [explained]
    words = wanted.lower().split()
    found = [row for row in ROWS if words and _has_all(row.text.lower(), words)]
    if not found:
        names = [known for row in ROWS for known in (row.name, row.anchor)]
        shown = wanted if len(wanted) <= _MOST_SHOWN else wanted[:_MOST_SHOWN] + "…"
        raise KeyNotFoundError(
            None,
            None,
            f"No error that is explained has the message, the name or all the words of {shown!r}."
            f"{did_you_mean(name[:_MOST_SHOWN], dict.fromkeys(names))}",
        )
    return found


def _has_in_order(text: str, parts: Iterable[str]) -> bool:
    """Whether ``text`` has all ``parts``, one behind the other."""
    end = 0
    for part in parts:
        begin = text.find(part, end)
        if begin < 0:
            return False
        end = begin + len(part)
    return True


def _has_all(text: str, words: Iterable[str]) -> bool:
    return all(word in text for word in words)
