"""Starts the simulator for a test, and talks to its control port. It needs Python's own library only."""

import json
import os
import subprocess
import urllib.error
import urllib.parse
import urllib.request

PROGRAM = os.environ.get("GATEWATCH", "gatewatch")


class Simulator:
    """with Simulator("--seed=1") as sim: connect a client to sim.host and sim.port."""

    def __init__(self, *flags):
        self.process = subprocess.Popen(
            [PROGRAM, "sim", "--listen", "127.0.0.1:0", "--json", *flags],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"the simulator ended with exit code {self.process.wait()}")
        ready = json.loads(line)
        self.host, self.port, self.control = ready["host"], ready["port"], ready["control"]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(timeout=10)
        self.process.stdout.close()

    def call(self, method, path, **query):
        """Answers with what the control port answers, whatever its status."""
        url = self.control + path + "?" + urllib.parse.urlencode(query)
        request = urllib.request.Request(url, method=method)
        try:
            with urllib.request.urlopen(request, timeout=70) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as refused:
            with refused:
                return json.load(refused)

    def fault(self, name, **query):
        """sim.fault("restart", **{"for": "40s"})"""
        answer = self.call("POST", "/fault/" + name, **query)
        assert answer["ok"], answer["error"]
        return answer

    def sent(self, name, within="5s", **query):
        """Asserts what the bot sent: sim.sent("placeOrder", count=1, **{"order.action": "BUY"})"""
        answer = self.call("GET", "/requests", name=name, within=within, **query)
        assert answer["ok"], (answer["error"], answer.get("requests"))
        return answer["requests"]
