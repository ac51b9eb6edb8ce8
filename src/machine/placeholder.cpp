namespace mlbench::machine {}
