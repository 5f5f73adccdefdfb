"""What the checks of chapter 2 need done in the learner's process."""

import contextlib


def in_folder(exercise, folder, arguments):
    """make_app(arguments), called in this folder."""
    with contextlib.chdir(folder):
        return exercise.make_app(arguments)


def error_of(exercise, folder, arguments):
    """The name of the exception that make_app(arguments) raises in this folder, or None."""
    try:
        in_folder(exercise, folder, arguments)
    except NotImplementedError:
        raise
    except (Exception, SystemExit) as error:
        return type(error).__name__
    return None
