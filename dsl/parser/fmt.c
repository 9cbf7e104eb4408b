/* Formatter: a file in the canonical style (tg fmt).
 *
 * Style: four spaces, the brace of kernels and functions on its own line, all others on the
 * line of their header; a single statement stays on the line of its header if it fits; loops
 * over loops share a line; lines of at most 100 columns; at most one blank line, where the
 * source has one.
 *
 * Comments are taken from the file's list in order: one that has its line keeps it, one behind
 * code stays behind that code. A header or statement that contains a comment is copied as it
 * is written, so no comment is ever lost or moved across code. Formatting again changes
 * nothing: breaks depend on the tree and the indentation only. */
#include "dsl/parser/fmt_private.h"

#include <string.h>

typedef struct formatter {
    const tg_file *file;
    const tg_source *source;
    tg_strbuf *out;
    uint32_t cursor; /* next comment */
    uint32_t last;   /* source offset behind what was printed last */
    int indent;
    bool block_start;  /* no blank line before what comes next */
    bool line_open;    /* the current line has text */
    bool line_comment; /* it ends with a `//` comment: nothing may follow on it */
} formatter;

/* ---- lines and comments ------------------------------------------------------------------ */

static bool has_blank_line(const formatter *f, uint32_t begin, uint32_t end) {
    bool newline = false;
    for (uint32_t i = begin; i < end; i++) {
        char c = f->source->text[i];
        if (c == '\n' && newline)
            return true;
        newline = c == '\n' || (newline && (c == ' ' || c == '\t' || c == '\r'));
    }
    return false;
}

static void end_line(formatter *f) {
    if (f->line_open)
        tg_strbuf_putc(f->out, '\n');
    f->line_open = false;
    f->line_comment = false;
}

/* A new line for what stands at source offset `begin`. */
static void start_line(formatter *f, uint32_t begin) {
    bool first = f->out->len == 0;
    end_line(f);
    if (!first && !f->block_start && has_blank_line(f, f->last, begin))
        tg_strbuf_putc(f->out, '\n');
    f->block_start = false;
    tg_strbuf_printf(f->out, "%*s", f->indent, "");
    f->line_open = true;
}

static void put_comment(formatter *f, const tg_comment *c) {
    const char *text = f->source->text + c->span.begin;
    uint32_t n = c->span.end - c->span.begin;
    while (n > 0 && (text[n - 1] == ' ' || text[n - 1] == '\t' || text[n - 1] == '\r'))
        n--;
    if (!c->own_line && f->line_open && !f->line_comment)
        tg_strbuf_puts(f->out, "  ");
    else
        start_line(f, c->span.begin);
    tg_strbuf_put(f->out, text, n);
    f->line_comment = n >= 2 && text[1] == '/';
    f->last = c->span.end;
}

/* The comments that stand before source offset `before`. */
static void flush_comments(formatter *f, uint32_t before) {
    for (; f->cursor < f->file->n_comments && f->file->comments[f->cursor].span.begin < before;
         f->cursor++)
        put_comment(f, &f->file->comments[f->cursor]);
}

/* Is there a comment in [begin, end) that has not been printed? */
static bool has_comment(const formatter *f, uint32_t begin, uint32_t end) {
    for (uint32_t i = f->cursor;
         i < f->file->n_comments && f->file->comments[i].span.begin < end; i++)
        if (f->file->comments[i].span.begin >= begin)
            return true;
    return false;
}

/* End of the last token in [begin, end): white space and comments at the end are left out. */
static uint32_t trim(const formatter *f, uint32_t begin, uint32_t end) {
    uint32_t i = f->cursor;
    while (i < f->file->n_comments && f->file->comments[i].span.begin < end)
        i++;
    for (;;) {
        while (end > begin && strchr(" \t\r\n", f->source->text[end - 1]))
            end--;
        if (i == 0 || f->file->comments[i - 1].span.end < end ||
            f->file->comments[i - 1].span.begin < begin)
            return end;
        end = f->file->comments[--i].span.begin;
    }
}

static void text_init(const formatter *f, fmt_text *t) {
    tg_fmt_text_init(t, f->out->arena, f->source);
}

/* Copies source text; its comments count as printed. */
static void put_verbatim(formatter *f, uint32_t begin, uint32_t end) {
    tg_strbuf_put(f->out, f->source->text + begin, end - begin);
    while (f->cursor < f->file->n_comments && f->file->comments[f->cursor].span.begin < end)
        f->cursor++;
    f->last = end;
}

/* The text on the open line; `continued`: indentation of its further lines. Verbatim if there
 * is a comment inside. */
static void put_text(formatter *f, const fmt_text *t, int column, int continued, uint32_t begin,
                     uint32_t end) {
    if (has_comment(f, begin, end)) {
        put_verbatim(f, begin, end);
        return;
    }
    tg_fmt_wrap(t, column, continued, f->out);
    f->last = end;
}

/* ---- statements -------------------------------------------------------------------------- */

static void put_stmt(formatter *f, const tg_stmt *s);

static void put_block(formatter *f, const tg_stmt *block) {
    uint32_t end = block->span.end - 1; /* of what stands before `}` */
    tg_strbuf_putc(f->out, '{');
    f->line_open = true;
    f->last = block->span.begin + 1;
    if (block->u.block.n_items == 0 && !has_comment(f, 0, end)) {
        tg_strbuf_putc(f->out, '}');
        f->last = block->span.end;
        return;
    }
    f->indent += TG_FMT_INDENT;
    f->block_start = true;
    for (uint32_t i = 0; i < block->u.block.n_items; i++)
        put_stmt(f, block->u.block.items[i]);
    flush_comments(f, end);
    f->indent -= TG_FMT_INDENT;
    f->block_start = true;
    start_line(f, end);
    tg_strbuf_putc(f->out, '}');
    f->last = block->span.end;
}

static bool is_loop(const tg_stmt *s) {
    return s->kind == TG_STMT_FOR || s->kind == TG_STMT_FOR_C;
}

static bool has_body(const tg_stmt *s) {
    return is_loop(s) || s->kind == TG_STMT_GRID || s->kind == TG_STMT_WHILE ||
           s->kind == TG_STMT_IF || s->kind == TG_STMT_BLOCK;
}

static const tg_stmt *body_of(const tg_stmt *s) {
    if (s->kind == TG_STMT_GRID)
        return s->u.grid.body;
    if (s->kind == TG_STMT_WHILE)
        return s->u.loop.body;
    if (s->kind == TG_STMT_IF)
        return s->u.branch.yes;
    return s->kind == TG_STMT_FOR ? s->u.range.body : s->u.for_c.body;
}

/* The body behind a header that ends in the current line. `column`: its length; 0 if nothing
 * may be joined to it. */
static void put_body(formatter *f, const tg_stmt *body, size_t column) {
    if (body->kind == TG_STMT_BLOCK) {
        tg_strbuf_putc(f->out, ' ');
        put_block(f, body);
        return;
    }
    fmt_text t;
    text_init(f, &t);
    if (!has_body(body) && column > 0 && !has_comment(f, f->last, body->span.end)) {
        tg_fmt_simple(&t, body);
        tg_fmt_puts(&t, ";");
        if (tg_fmt_fits(&t, (int)column, 1)) {
            tg_strbuf_putc(f->out, ' ');
            tg_fmt_wrap(&t, 0, 0, f->out);
            f->last = body->span.end;
            return;
        }
    }
    f->indent += TG_FMT_INDENT;
    f->block_start = true;
    put_stmt(f, body);
    f->indent -= TG_FMT_INDENT;
}

static void put_else(formatter *f, const tg_stmt *s);

/* Header and body of a statement, on the open line from `column` on. */
static void put_headed(formatter *f, const tg_stmt *s, size_t column) {
    fmt_text t;
    text_init(f, &t);
    uint32_t begin = s->span.begin;
    const tg_stmt *inner = s, *body = body_of(s);
    tg_fmt_head(&t, inner);
    while ((is_loop(inner) || inner->kind == TG_STMT_GRID) && is_loop(body) &&
           !has_comment(f, begin, body_of(body)->span.begin)) {
        inner = body;
        body = body_of(inner);
        tg_fmt_space(&t, 0);
        tg_fmt_head(&t, inner);
    }
    uint32_t end = trim(f, begin, body->span.begin);
    bool joins = !has_comment(f, begin, end) && tg_fmt_fits(&t, (int)column, 0);
    put_text(f, &t, (int)column, f->indent + 2 * TG_FMT_INDENT, begin, end);
    put_body(f, body, joins ? column + t.text.len : 0);
    if (s->kind == TG_STMT_IF && s->u.branch.no)
        put_else(f, s);
}

static void put_else(formatter *f, const tg_stmt *s) {
    const tg_stmt *no = s->u.branch.no;
    bool commented = has_comment(f, 0, no->span.begin);
    flush_comments(f, no->span.begin);
    if (s->u.branch.yes->kind == TG_STMT_BLOCK && !commented) {
        tg_strbuf_puts(f->out, " else");
    } else {
        f->block_start = true;
        start_line(f, no->span.begin);
        tg_strbuf_puts(f->out, "else");
    }
    size_t column = (size_t)f->indent + strlen("} else");
    if (no->kind == TG_STMT_IF) {
        tg_strbuf_putc(f->out, ' ');
        f->last = no->span.begin;
        put_headed(f, no, column + 1);
    } else {
        f->last = no->span.begin;
        put_body(f, no, column);
    }
}

static void put_stmt(formatter *f, const tg_stmt *s) {
    flush_comments(f, s->span.begin);
    start_line(f, s->span.begin);
    f->last = s->span.begin;
    if (s->kind == TG_STMT_BLOCK) {
        put_block(f, s);
    } else if (has_body(s)) {
        put_headed(f, s, (size_t)f->indent);
    } else {
        fmt_text t;
        text_init(f, &t);
        tg_fmt_simple(&t, s);
        tg_fmt_puts(&t, ";");
        put_text(f, &t, f->indent, f->indent + TG_FMT_INDENT, s->span.begin, s->span.end);
    }
}

/* ---- items ------------------------------------------------------------------------------- */

/* `where` and `fast` each on a line of their own. */
static void put_clauses(formatter *f, const tg_kernel_decl *k) {
    fmt_text t;
    if (k->n_wheres) {
        text_init(f, &t);
        tg_fmt_puts(&t, "where ");
        for (uint32_t i = 0; i < k->n_wheres; i++) {
            if (i)
                tg_fmt_comma(&t);
            t.level += 2;
            tg_fmt_expr(&t, k->wheres[i]);
            t.level -= 2;
        }
        tg_strbuf_printf(f->out, "\n%*s", TG_FMT_INDENT, "");
        tg_fmt_wrap(&t, TG_FMT_INDENT, 2 * TG_FMT_INDENT, f->out);
    }
    for (uint32_t i = 0; i < k->n_fast; i++)
        tg_strbuf_printf(f->out, i ? ", %s" : "\n    fast(%s", k->fast[i]);
    if (k->n_fast)
        tg_strbuf_putc(f->out, ')');
}

/* Header, then the block with its brace in column 1. */
static void put_definition(formatter *f, const tg_item *item, const tg_stmt *body) {
    fmt_text t;
    text_init(f, &t);
    bool kernel = item->kind == TG_ITEM_KERNEL;
    (kernel ? tg_fmt_kernel_head : tg_fmt_fn_head)(&t, item);
    uint32_t begin = item->span.begin, end = trim(f, begin, body->span.begin);
    bool verbatim = has_comment(f, begin, end);
    put_text(f, &t, 0, 2 * TG_FMT_INDENT, begin, end);
    if (kernel && !verbatim)
        put_clauses(f, &item->u.kernel);
    flush_comments(f, body->span.begin);
    end_line(f);
    put_block(f, body);
}

static void put_titems(formatter *f, const tg_item *item, uint32_t open) {
    uint32_t end = item->span.end - 1;
    tg_strbuf_puts(f->out, " {");
    f->last = open + 1;
    f->indent += TG_FMT_INDENT;
    f->block_start = true;
    for (uint32_t i = 0; i < item->u.tune.n_items; i++) {
        const tg_titem *ti = &item->u.tune.items[i];
        fmt_text t;
        text_init(f, &t);
        tg_fmt_titem(&t, ti);
        flush_comments(f, ti->span.begin);
        start_line(f, ti->span.begin);
        put_text(f, &t, f->indent, f->indent + TG_FMT_INDENT, ti->span.begin, ti->span.end);
    }
    flush_comments(f, end);
    f->indent -= TG_FMT_INDENT;
    f->block_start = true;
    start_line(f, end);
    tg_strbuf_putc(f->out, '}');
}

/* A schedule that fits is one line. */
static bool put_short_schedule(formatter *f, const tg_item *item, const fmt_text *head) {
    fmt_text t;
    text_init(f, &t);
    tg_fmt_puts(&t, head->text.data);
    tg_fmt_puts(&t, " {");
    for (uint32_t i = 0; i < item->u.tune.n_items; i++) {
        tg_fmt_puts(&t, " ");
        tg_fmt_titem(&t, &item->u.tune.items[i]);
    }
    tg_fmt_puts(&t, item->u.tune.n_items ? " }" : "}");
    bool fits = tg_fmt_fits(&t, 0, 0) && !has_comment(f, item->span.begin, item->span.end);
    if (fits)
        tg_fmt_wrap(&t, 0, 0, f->out);
    return fits;
}

/* Where the `{` of a tune or schedule item stands: before its first entry, or at its end. */
static uint32_t find_open(const formatter *f, const tg_item *item) {
    uint32_t begin =
                 item->u.tune.when ? item->u.tune.when->span.end : item->u.tune.name_span.end,
             at = begin;
    uint32_t next = f->cursor;
    while (at < item->span.end && f->source->text[at] != '{') {
        while (next < f->file->n_comments && f->file->comments[next].span.begin < at)
            next++;
        bool comment = next < f->file->n_comments && f->file->comments[next].span.begin == at;
        at = comment ? f->file->comments[next].span.end : at + 1;
    }
    return at;
}

static void put_tune(formatter *f, const tg_item *item) {
    fmt_text t;
    text_init(f, &t);
    tg_fmt_tune_head(&t, item);
    bool one_line = item->kind == TG_ITEM_SCHEDULE || item->u.tune.n_items == 0;
    if (!one_line || !put_short_schedule(f, item, &t)) {
        uint32_t open = find_open(f, item), end = trim(f, item->span.begin, open);
        put_text(f, &t, 0, 2 * TG_FMT_INDENT, item->span.begin, end);
        put_titems(f, item, open);
    }
    f->last = item->span.end;
}

static void put_item(formatter *f, const tg_item *item) {
    flush_comments(f, item->span.begin);
    start_line(f, item->span.begin);
    if (item->kind == TG_ITEM_KERNEL && item->u.kernel.body) {
        put_definition(f, item, item->u.kernel.body);
    } else if (item->kind == TG_ITEM_FN && item->u.fn.body) {
        put_definition(f, item, item->u.fn.body);
    } else if (item->kind == TG_ITEM_TUNE || item->kind == TG_ITEM_SCHEDULE) {
        put_tune(f, item);
    } else {
        fmt_text t;
        text_init(f, &t);
        tg_fmt_short_item(&t, item);
        put_text(f, &t, 0, TG_FMT_INDENT, item->span.begin, item->span.end);
    }
}

void tg_format_file(const tg_file *file, const tg_source *source, tg_strbuf *out) {
    formatter f = {.file = file, .source = source, .out = out, .block_start = true};
    for (uint32_t i = 0; i < file->n_items; i++)
        put_item(&f, file->items[i]);
    flush_comments(&f, source->len + 1);
    end_line(&f);
}
