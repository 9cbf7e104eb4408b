/* Diagnostics as text.
 *
 *     error[E0213]: cannot add tiles of different shape
 *       --> softmax.dsl:14:41
 *        |
 *     12 |     x = load(x_ptr + cols, mask)
 *        |         ------------------------ this has shape [1024]
 *        ...
 *     14 |     y = exp(x) + bias
 *        |                ^ ---- this has shape [512]
 *        |                |
 *        |                1024 and 512 do not broadcast
 *        = note: …
 *        = help: …
 *
 * The rightmost label stands in the row of underlines, the others hang below, from right to left.
 * Method: every span becomes one or two marks (row, first and last display column, label);
 * marks are sorted by file, line and column, and each line is drawn with its marks. Tabs are
 * shown as four spaces, a UTF-8 sequence takes one column, control characters become '?', so
 * that a source cannot drive the terminal. JSON is in diag_json.c. */
#include "base/diag.h"

#include <string.h>

enum { TAB_WIDTH = 4, MAX_DRAWN_EDIT_LINES = 8 };

typedef enum style {
    STYLE_NONE,
    STYLE_ERROR,
    STYLE_WARNING,
    STYLE_FRAME,
    STYLE_ADD,
    STYLE_BOLD
} style;

typedef struct mark {
    const tg_source *src;
    uint32_t line;        /* 1-based */
    uint32_t left, right; /* display columns, 0-based, right exclusive, right > left */
    const char *label;    /* may be null */
    bool is_primary;
} mark;

typedef TG_VEC(mark) mark_list;

typedef struct renderer {
    const tg_diags *diags;
    const tg_diag *diag;
    tg_strbuf *out;
    tg_arena *arena;
    bool colour;
    style main_style;
    int number_width;
    mark_list marks;
} renderer;

static void set_style(const renderer *r, style s) {
    static const char *const codes[] = {"\033[0m",    "\033[1;31m", "\033[1;33m",
                                        "\033[1;34m", "\033[1;32m", "\033[1m"};
    if (r->colour) {
        tg_strbuf_puts(r->out, codes[s]);
    }
}

static void put_styled(const renderer *r, style s, const char *text) {
    set_style(r, s);
    tg_strbuf_puts(r->out, text);
    set_style(r, STYLE_NONE);
}

static void put_spaces(tg_strbuf *out, uint32_t n) {
    for (uint32_t i = 0; i < n; i++) {
        tg_strbuf_putc(out, ' ');
    }
}

/* Text of line `line` without its end. */
static const char *line_text(const tg_source *src, uint32_t line, uint32_t *len) {
    uint32_t begin = src->lines[line - 1];
    uint32_t end = line < src->n_lines ? src->lines[line] - 1 : src->len;
    if (end > begin && src->text[end - 1] == '\r') {
        end--;
    }
    *len = end - begin;
    return src->text + begin;
}

static uint32_t display_width(const char *text, uint32_t n) {
    uint32_t width = 0;
    for (uint32_t i = 0; i < n; i++) {
        bool continues = ((unsigned char)text[i] & 0xc0) == 0x80;
        width += text[i] == '\t' ? TAB_WIDTH : !continues;
    }
    return width;
}

static void put_source_text(tg_strbuf *out, const char *text, uint32_t n) {
    for (uint32_t i = 0; i < n; i++) {
        if (text[i] == '\t') {
            put_spaces(out, TAB_WIDTH);
        } else {
            bool is_control = (unsigned char)text[i] < 0x20 || text[i] == 0x7f;
            tg_strbuf_putc(out, is_control ? '?' : text[i]);
        }
    }
}

/* "12 | " with the number, or "   | " for line 0. No blank at the end of an empty row. */
static void put_gutter(const renderer *r, uint32_t line) {
    set_style(r, STYLE_FRAME);
    if (line) {
        tg_strbuf_printf(r->out, "%*u |", r->number_width, line);
    } else {
        tg_strbuf_printf(r->out, "%*s |", r->number_width, "");
    }
    set_style(r, STYLE_NONE);
}

/* ---- marks ---- */

static void add_mark(renderer *r, const tg_source *src, uint32_t line, uint32_t from,
                     uint32_t to, mark m) {
    uint32_t len;
    const char *text = line_text(src, line, &len);
    from = from < len ? from : len;
    to = to < len ? to : len;
    m.src = src;
    m.line = line;
    m.left = display_width(text, from);
    m.right = display_width(text, to);
    m.right = m.right > m.left ? m.right : m.left + 1;
    tg_vec_push(r->arena, &r->marks, m);
}

/* Bytes of blanks at the start of a line. */
static uint32_t indent_of(const tg_source *src, uint32_t line) {
    uint32_t len, n = 0;
    const char *text = line_text(src, line, &len);
    while (n < len && (text[n] == ' ' || text[n] == '\t')) {
        n++;
    }
    return n;
}

/* A span over several lines marks its first line to the end and its last line from the
 * indentation; the label goes to the last. */
static void add_span(renderer *r, tg_span span, const char *label, bool is_primary) {
    const tg_source *src = tg_sources_get(r->diags->sources, span.file);
    if (!src) {
        return;
    }
    uint32_t begin = span.begin < src->len ? span.begin : src->len;
    uint32_t end = span.end < src->len ? span.end : src->len;
    uint32_t line, column, end_line, end_column;
    tg_source_position(src, begin, &line, &column);
    /* The end is exclusive: a span that ends with a line break stays on that line. */
    tg_source_position(src, end > begin ? end - 1 : begin, &end_line, &end_column);
    mark m = {.label = label, .is_primary = is_primary};
    if (end_line == line) {
        add_mark(r, src, line, column - 1, column - 1 + (end > begin ? end - begin : 0), m);
        return;
    }
    m.label = NULL;
    add_mark(r, src, line, column - 1, UINT32_MAX, m);
    m.label = label;
    add_mark(r, src, end_line, indent_of(src, end_line), end_column, m);
}

static bool mark_before(const renderer *r, const mark *a, const mark *b) {
    if (a->src != b->src) {
        const tg_source *first = r->marks.data[0].src; /* the primary's file leads */
        return a->src == first || (b->src != first && strcmp(a->src->path, b->src->path) < 0);
    }
    return a->line != b->line ? a->line < b->line : a->left < b->left;
}

/* Insertion sort into a copy: few marks, and stable. */
static void sort_marks(renderer *r) {
    mark *sorted = TG_NEW_ARRAY(r->arena, mark, r->marks.len);
    for (uint32_t i = 0; i < r->marks.len; i++) {
        uint32_t j = i;
        while (j > 0 && mark_before(r, &r->marks.data[i], &sorted[j - 1])) {
            sorted[j] = sorted[j - 1];
            j--;
        }
        sorted[j] = r->marks.data[i];
    }
    r->marks.data = sorted;
}

/* ---- one source line with its marks ---- */

typedef struct canvas {
    char *cells;
    style *styles;
    uint32_t width;
} canvas;

static canvas new_canvas(const renderer *r, uint32_t width) {
    canvas c = {TG_NEW_ARRAY(r->arena, char, width), TG_NEW_ARRAY(r->arena, style, width),
                width};
    memset(c.cells, ' ', width);
    return c;
}

static style mark_style(const renderer *r, const mark *m) {
    return m->is_primary ? r->main_style : STYLE_FRAME;
}

static void paint(canvas *c, uint32_t left, uint32_t right, char cell, style s) {
    for (uint32_t i = left; i < right; i++) {
        c->cells[i] = cell;
        c->styles[i] = s;
    }
}

/* Gutter and cells, without an end of line. Trailing blanks are left out. */
static void put_canvas(const renderer *r, const canvas *c, uint32_t width) {
    while (width > 0 && c->cells[width - 1] == ' ') {
        width--;
    }
    put_gutter(r, 0);
    if (width) {
        tg_strbuf_putc(r->out, ' ');
    }
    style now = STYLE_NONE;
    for (uint32_t i = 0; i < width; i++) {
        if (c->cells[i] != ' ' && c->styles[i] != now) {
            now = c->styles[i];
            set_style(r, now);
        }
        tg_strbuf_putc(r->out, c->cells[i]);
    }
    if (now != STYLE_NONE) {
        set_style(r, STYLE_NONE);
    }
}

/* `|` under every labelled mark before `count`, as far as column `limit`. */
static void put_hangers(const renderer *r, const mark *marks, uint32_t count, uint32_t limit) {
    canvas c = new_canvas(r, limit);
    for (uint32_t i = 0; i < count; i++) {
        if (marks[i].label && marks[i].left < limit) {
            paint(&c, marks[i].left, marks[i].left + 1, '|', mark_style(r, &marks[i]));
        }
    }
    put_canvas(r, &c, limit);
}

static void put_hanging_label(const renderer *r, const mark *marks, uint32_t i) {
    uint32_t column = marks[i].left;
    put_hangers(r, marks, i, column);
    /* put_hangers stops at its last bar: fill up to the label's own column. */
    uint32_t bar = 0;
    bool has_bar = false;
    for (uint32_t k = 0; k < i; k++) {
        if (marks[k].label && marks[k].left < column) {
            has_bar = true;
            bar = marks[k].left > bar ? marks[k].left : bar;
        }
    }
    put_spaces(r->out, has_bar ? column - bar - 1 : column + 1);
    put_styled(r, mark_style(r, &marks[i]), marks[i].label);
    tg_strbuf_putc(r->out, '\n');
}

/* Index of the mark whose label may stand in the underline row: the last one, if no other mark
 * reaches beyond its end. `n` if there is none. */
static uint32_t inline_mark(const mark *marks, uint32_t n) {
    const mark *last = &marks[n - 1];
    for (uint32_t i = 0; i + 1 < n; i++) {
        if (marks[i].right > last->left) {
            return n;
        }
    }
    return last->label ? n - 1 : n;
}

static void put_underlines(const renderer *r, const mark *marks, uint32_t n) {
    uint32_t width = 0;
    for (uint32_t i = 0; i < n; i++) {
        width = marks[i].right > width ? marks[i].right : width;
    }
    canvas c = new_canvas(r, width);
    for (int pass = 0; pass < 2; pass++) { /* primary carets over secondary dashes */
        for (uint32_t i = 0; i < n; i++) {
            if (marks[i].is_primary == (pass == 1)) {
                paint(&c, marks[i].left, marks[i].right, pass ? '^' : '-',
                      mark_style(r, &marks[i]));
            }
        }
    }
    put_canvas(r, &c, width);
    uint32_t in_row = inline_mark(marks, n);
    if (in_row < n) {
        tg_strbuf_putc(r->out, ' ');
        put_styled(r, mark_style(r, &marks[in_row]), marks[in_row].label);
    }
    tg_strbuf_putc(r->out, '\n');
    bool is_first = true;
    for (uint32_t i = n; i-- > 0;) {
        if (i == in_row || !marks[i].label) {
            continue;
        }
        if (is_first) {
            put_hangers(r, marks, i + 1, marks[i].left + 1);
            tg_strbuf_putc(r->out, '\n');
            is_first = false;
        }
        put_hanging_label(r, marks, i);
    }
}

static void put_source_line(const renderer *r, const tg_source *src, uint32_t line, style s,
                            char sign) {
    uint32_t len;
    const char *text = line_text(src, line, &len);
    put_gutter(r, line);
    if (sign) {
        set_style(r, s);
        tg_strbuf_putc(r->out, ' ');
        tg_strbuf_putc(r->out, sign);
    }
    if (len) {
        tg_strbuf_putc(r->out, ' ');
    }
    put_source_text(r->out, text, len);
    if (sign) {
        set_style(r, STYLE_NONE);
    }
    tg_strbuf_putc(r->out, '\n');
}

static void put_location(const renderer *r, const char *arrow, const tg_source *src,
                         uint32_t offset) {
    uint32_t line, column;
    tg_source_position(src, offset < src->len ? offset : src->len, &line, &column);
    tg_strbuf_printf(r->out, "%*s", r->number_width, "");
    put_styled(r, STYLE_FRAME, arrow);
    tg_strbuf_printf(r->out, " %s:%u:%u\n", src->path, line, column);
    put_gutter(r, 0);
    tg_strbuf_putc(r->out, '\n');
}

static void put_snippets(const renderer *r) {
    const mark *marks = r->marks.data;
    for (uint32_t i = 0, n; i < r->marks.len; i += n) {
        const mark *m = &marks[i];
        bool new_file = i == 0 || marks[i - 1].src != m->src;
        if (i == 0) {
            put_location(r, "-->", m->src, r->diag->span.begin);
        } else if (new_file) {
            put_location(r, ":::", m->src, m->src->lines[m->line - 1]);
        } else if (m->line > marks[i - 1].line + 1) {
            put_styled(r, STYLE_FRAME, "...");
            tg_strbuf_putc(r->out, '\n');
        }
        n = 1;
        while (i + n < r->marks.len && marks[i + n].src == m->src &&
               marks[i + n].line == m->line) {
            n++;
        }
        put_source_line(r, m->src, m->line, STYLE_NONE, 0);
        put_underlines(r, m, n);
    }
}

/* ---- notes, help, edits ---- */

/* "   = note: text"; further lines of the text are indented below it. */
static void put_remark(const renderer *r, const char *kind, const char *text) {
    tg_strbuf_printf(r->out, "%*s ", r->number_width, "");
    put_styled(r, STYLE_FRAME, "= ");
    put_styled(r, STYLE_BOLD, kind);
    tg_strbuf_puts(r->out, ": ");
    for (const char *p = text; *p; p++) {
        tg_strbuf_putc(r->out, *p);
        if (*p == '\n') {
            put_spaces(r->out, (uint32_t)r->number_width + 5 + (uint32_t)strlen(kind));
        }
    }
    tg_strbuf_putc(r->out, '\n');
}

typedef struct edit_group {
    const tg_source *src;
    uint32_t first_line, last_line;
    uint32_t begin, end; /* indices into the sorted edits */
} edit_group;

static tg_diag_edit *sorted_edits(const renderer *r) {
    uint32_t n = r->diag->edits.len;
    tg_diag_edit *sorted = TG_NEW_ARRAY(r->arena, tg_diag_edit, n);
    for (uint32_t i = 0; i < n; i++) {
        tg_diag_edit e = r->diag->edits.data[i];
        uint32_t j = i;
        while (j > 0 && (e.span.file < sorted[j - 1].span.file ||
                         (e.span.file == sorted[j - 1].span.file &&
                          e.span.begin < sorted[j - 1].span.begin))) {
            sorted[j] = sorted[j - 1];
            j--;
        }
        sorted[j] = e;
    }
    return sorted;
}

/* The edits from `begin` on that touch the same lines. */
static edit_group next_group(const renderer *r, const tg_diag_edit *edits, uint32_t begin) {
    edit_group g = {.src = tg_sources_get(r->diags->sources, edits[begin].span.file),
                    .begin = begin};
    uint32_t column, line;
    g.end = begin;
    while (g.src && g.end < r->diag->edits.len &&
           edits[g.end].span.file == edits[begin].span.file) {
        tg_source_position(g.src, edits[g.end].span.begin, &line, &column);
        if (g.end == begin) {
            g.first_line = g.last_line = line;
        } else if (line > g.last_line) {
            break;
        }
        tg_source_position(g.src, edits[g.end].span.end, &line, &column);
        g.last_line = line > g.last_line ? line : g.last_line;
        g.end++;
    }
    g.end = g.end > begin ? g.end : begin + 1;
    return g;
}

/* The lines of the group as they are after the edits. */
static const char *edited_text(const renderer *r, const tg_diag_edit *edits,
                               const edit_group *g) {
    tg_strbuf s;
    tg_strbuf_init(&s, r->arena);
    uint32_t len, at = g->src->lines[g->first_line - 1];
    uint32_t end = g->src->lines[g->last_line - 1];
    (void)line_text(g->src, g->last_line, &len);
    end += len;
    for (uint32_t i = g->begin; i < g->end; i++) {
        tg_span span = edits[i].span;
        if (span.begin >= at &&
            span.end <= g->src->len) { /* overlapping edits: the first wins */
            tg_strbuf_put(&s, g->src->text + at, span.begin - at);
            tg_strbuf_puts(&s, edits[i].text);
            at = span.end;
        }
    }
    if (end > at) {
        tg_strbuf_put(&s, g->src->text + at, end - at);
    }
    return s.data;
}

static void put_edit_group(const renderer *r, const tg_diag_edit *edits, const edit_group *g) {
    if (!g->src || g->last_line - g->first_line >= MAX_DRAWN_EDIT_LINES) {
        return;
    }
    for (uint32_t line = g->first_line; line <= g->last_line; line++) {
        put_source_line(r, g->src, line, STYLE_ERROR, '-');
    }
    uint32_t line = g->first_line;
    for (const char *p = edited_text(r, edits, g); *p; line++) {
        uint32_t n = (uint32_t)strcspn(p, "\n");
        put_gutter(r, line);
        set_style(r, STYLE_ADD);
        tg_strbuf_puts(r->out, n ? " + " : " +");
        put_source_text(r->out, p, n);
        set_style(r, STYLE_NONE);
        tg_strbuf_putc(r->out, '\n');
        p += n + (p[n] == '\n');
    }
}

static void put_edits(const renderer *r) {
    uint32_t n = r->diag->edits.len;
    if (n == 0) {
        return;
    }
    const tg_diag_edit *edits = sorted_edits(r);
    put_remark(r, "help", "change it like this");
    for (uint32_t i = 0; i < n;) {
        edit_group g = next_group(r, edits, i);
        put_edit_group(r, edits, &g);
        i = g.end;
    }
}

static void put_header(const renderer *r) {
    bool is_warning = tg_diag_severity(r->diag->code) == TG_SEV_WARNING;
    set_style(r, r->main_style);
    tg_strbuf_printf(r->out, "%s[%s]", is_warning ? "warning" : "error",
                     tg_diag_code_name(r->diag->code));
    set_style(r, STYLE_NONE);
    set_style(r, STYLE_BOLD);
    tg_strbuf_printf(r->out, ": %s", r->diag->message);
    set_style(r, STYLE_NONE);
    tg_strbuf_putc(r->out, '\n');
}

/* Digits of the largest line number that will be drawn. */
static int number_width(const renderer *r) {
    uint32_t largest = 1;
    for (uint32_t i = 0; i < r->marks.len; i++) {
        largest = r->marks.data[i].line > largest ? r->marks.data[i].line : largest;
    }
    for (uint32_t i = 0; i < r->diag->edits.len; i++) {
        const tg_source *src =
            tg_sources_get(r->diags->sources, r->diag->edits.data[i].span.file);
        uint32_t line = 1, column;
        if (src) {
            tg_source_position(src, r->diag->edits.data[i].span.end, &line, &column);
        }
        largest = line > largest ? line : largest;
    }
    int width = 1;
    for (; largest >= 10; largest /= 10) {
        width++;
    }
    return width;
}

void tg_diag_render(const tg_diags *d, const tg_diag *diag, bool colour, tg_strbuf *out) {
    renderer r = {.diags = d, .diag = diag, .out = out, .arena = out->arena, .colour = colour};
    r.main_style = tg_diag_severity(diag->code) == TG_SEV_WARNING ? STYLE_WARNING : STYLE_ERROR;
    add_span(&r, diag->span, diag->label, true);
    for (uint32_t i = 0; i < diag->labels.len; i++) {
        add_span(&r, diag->labels.data[i].span, diag->labels.data[i].text, false);
    }
    r.number_width = number_width(&r);
    sort_marks(&r);
    put_header(&r);
    put_snippets(&r);
    for (uint32_t i = 0; i < diag->notes.len; i++) {
        put_remark(&r, "note", diag->notes.data[i]);
    }
    for (uint32_t i = 0; i < diag->helps.len; i++) {
        put_remark(&r, "help", diag->helps.data[i]);
    }
    put_edits(&r);
}

void tg_diags_render(const tg_diags *d, bool colour, tg_strbuf *out) {
    for (uint32_t i = 0; i < d->list.len; i++) {
        tg_diag_render(d, d->list.data[i], colour, out);
        tg_strbuf_putc(out, '\n');
    }
}
