"""What pyproject.toml cannot say: dependencies out of the requirement files, and what lies beside the package.

A checkout keeps ``app.py``, the sketch backbone, the seeds and the benchmark at its root. A wheel takes them along as
``ga2app/shipped``, which ``ga2app.paths`` looks for.
"""

from pathlib import Path

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).parent


class BuildWithoutSetup(build_py):
    """Takes the modules at the root along, but for this one."""

    def find_package_modules(self, package: str, package_dir: str) -> list[tuple[str, str, str]]:
        return [found for found in super().find_package_modules(package, package_dir) if found[1] != "setup"]


def requirements(text: str) -> list[str]:
    """The requirements that ``text`` lists, without comments."""
    lines = (line.partition("#")[0].strip() for line in text.splitlines())
    return [line for line in lines if line]


library, _, app = (ROOT / "requirements.txt").read_text(encoding="utf-8").partition("# [app]")
extras = {path.stem.partition("-")[2]: path.read_text(encoding="utf-8") for path in ROOT.glob("requirements-*.txt")}

setup(
    cmdclass={"build_py": BuildWithoutSetup},
    # A checkout pins torch, for runs that repeat; who installs the library may have a newer one already.
    install_requires=[line.replace("==", ">=") for line in requirements(library)],
    extras_require={name: requirements(text) for name, text in {"app": "#" + app, **extras}.items()},
    packages=[*find_packages(include=["ga2app*"]), "ga2app.shipped", "ga2app.shipped.base2novel"],
    package_dir={"ga2app.shipped": ".", "ga2app.shipped.base2novel": "benchmarks/base2novel"},
    include_package_data=False,
    package_data={
        "ga2app": ["py.typed"],
        "": ["*.css", "*.js", "*.html", "*.svg", "*.toml"],
        "ga2app.shipped": ["assets/sketch-*/*", "prompts_db/*.csv", "prompts_db/*.json"],
    },
)
