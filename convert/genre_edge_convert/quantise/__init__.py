"""From a SavedModel to TFLite flatbuffers."""
