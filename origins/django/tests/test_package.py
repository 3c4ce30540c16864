"""What pip would install."""

import shutil
import subprocess
import sys
import tempfile
import unittest
import zipfile
from importlib.util import find_spec
from pathlib import Path

HERE = Path(__file__).resolve().parents[1]


class Package(unittest.TestCase):
    def test_a_wheel_has_the_engine_the_middleware_and_the_command_and_no_tests(self):
        if find_spec("setuptools") is None:
            self.skipTest("setuptools is not installed")
        with tempfile.TemporaryDirectory() as folder:
            source = Path(folder) / "source"
            shutil.copytree(HERE, source, ignore=shutil.ignore_patterns("tests", "__pycache__"))
            options = ["--no-build-isolation", "--no-deps", "--no-index", "--quiet", "--wheel-dir", folder]
            subprocess.run([sys.executable, "-m", "pip", "wheel", *options, str(source)], check=True, capture_output=True)
            (wheel,) = Path(folder).glob("edge_session_django-*.whl")
            names = zipfile.ZipFile(wheel).namelist()
        for name in ("sessions.py", "middleware.py", "management/commands/clearsessions.py", "testing.py"):
            self.assertIn(f"edge_session/{name}", names)
        self.assertEqual([name for name in names if "test_" in name or "shop" in name], [])
