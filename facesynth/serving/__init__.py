"""The studio's server: the page, the API that it paints through, and the processes that compute."""
