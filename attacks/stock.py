"""How a victim opens a file with TensorFlow; run by its own Python: `python stock.py WAY FOLDER`."""

import os
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = ""


def main(way, folder):
    import tensorflow.compat.v1 as tf

    tf.disable_v2_behavior()
    if way in ("checkpoint", "inspect", "latest"):
        prefix = os.path.join(folder, "m")
        if way == "latest":
            prefix = tf.train.latest_checkpoint(folder)
            print("STATE", prefix)
        reader = tf.train.load_checkpoint(prefix)
        for name in reader.get_variable_to_shape_map():
            reader.get_tensor(name)
    elif way in ("model", "text"):
        graph = tf.GraphDef()
        if way == "text":
            from google.protobuf import text_format

            with open(os.path.join(folder, "model.pbtxt")) as file:
                text_format.Merge(file.read(), graph)
        else:
            with open(os.path.join(folder, "model.pb"), "rb") as file:
                graph.ParseFromString(file.read())
        tf.import_graph_def(graph, name="")
        with tf.Session() as sess:
            print("VALUE", repr(sess.run("out:0"))[:60])
    elif way == "restored":
        saver = tf.train.import_meta_graph(os.path.join(folder, "m.meta"))
        with tf.Session() as sess:
            saver.restore(sess, os.path.join(folder, "m"))
            print("VALUE", repr(sess.run("out:0"))[:60])
    elif way == "saved_model":
        with tf.Session() as sess:
            tf.saved_model.loader.load(sess, ["serve"], folder)
            for table in tf.get_collection("attack_table"):
                print("VALUE", repr(sess.run(table))[:60])
    elif way == "events":
        for _ in tf.train.summary_iterator(os.path.join(folder, "events")):
            pass


if __name__ == "__main__":
    try:
        main(sys.argv[1], sys.argv[2])
    except Exception as error:
        print(f"ERROR {type(error).__name__}: {str(error)[:300]}".replace("\n", " "))
