"""TFRecord files of typed `tf.train.Example`s, and beside them what a reader must know to parse them."""

from bagmill.writers.tfrecord.table import TFRecordFormat, TFRecordTable

__all__ = ["TFRecordFormat", "TFRecordTable"]
