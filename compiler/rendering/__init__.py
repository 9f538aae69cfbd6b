"""One file for each way to print findings; each has a `render`. render.py picks the one."""
