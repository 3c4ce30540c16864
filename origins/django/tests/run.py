"""Runs the kit's unit tests, and says at the end how many there were, as scripts/test counts them."""

import os
import sys
from pathlib import Path

here = Path(__file__).resolve().parent
sys.path[:0] = [str(here.parent), str(here / "site"), str(here)]
sys.dont_write_bytecode = True
os.environ["DJANGO_SETTINGS_MODULE"] = "shop.settings"
os.environ["DATABASE"] = ":memory:"
os.environ["LOG"] = "CRITICAL"

import django  # noqa: E402
from django.conf import settings  # noqa: E402
from django.test.runner import DiscoverRunner  # noqa: E402


class Runner(DiscoverRunner):
    def suite_result(self, suite, result, **kwargs):
        broken = len(result.failures) + len(result.errors) + len(result.unexpectedSuccesses)
        print(f"ℹ pass {result.testsRun - broken - len(result.skipped)}")
        print(f"ℹ fail {broken}")
        print(f"ℹ skipped {len(result.skipped)}", flush=True)
        return broken


django.setup()
settings.TEST_RUNNER = "run.Runner"
print(f"Django {django.get_version()}, Python {sys.version.split()[0]}", flush=True)
names = sys.argv[1:] or [str(here)]
sys.exit(bool(Runner(verbosity=1, interactive=False, top_level=None if sys.argv[1:] else str(here)).run_tests(names)))
