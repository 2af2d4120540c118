"""Real parts that tests, benchmarks and scripts share: a broker, a microphone, a
supervisor, a web server."""
