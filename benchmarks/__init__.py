"""The reconnection benchmark: pyvidu and openvidu-browser side by side on one server, one machine, one faulty network.

`make bench` runs it. Decisions (`plan`, `measure`, `statistics`, `results`) are pure and have unit tests beside them;
what touches a browser or a network is in the other modules. docs/benchmark.md explains what is measured and how.
"""
