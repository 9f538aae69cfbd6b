"""The compiler: YAML text in, a plan or diagnostics out. It opens no data file. Read pipeline.py first."""
