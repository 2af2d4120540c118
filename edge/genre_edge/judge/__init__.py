"""How right a model is: labelled tracks and the measures of accuracy."""
