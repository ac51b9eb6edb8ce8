namespace mlbench::report {}
