"""Why a test may be skipped."""

REASON = "not in the extra `test`; .ci/run installs tests/neighbours.txt, runs these tests and fails if one is skipped"
