"""A section of the report that is a table."""


def table_section(title: str, head: str, body: str, note: str = "") -> str:
    """Return a heading, a note where there is one, and a table that scrolls where it is wide.

    Parameters
    ----------
    title, note
        Texts.
    head, body
        Cells of the head, and the rows below it [HTML].
    """
    told = f"<p class='note'>{note}</p>" if note else ""
    return f"<h2>{title}</h2>{told}<div class='wide'><table><tr>{head}</tr>{body}</table></div>"
