"""`multimesh verify`: send requests to every mesh, and judge who answered."""
