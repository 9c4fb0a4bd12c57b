"""The studio: a training in the browser, live, which one can reach into; runs replayed."""
