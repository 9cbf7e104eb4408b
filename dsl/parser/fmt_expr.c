/* Expressions and types as source text, for the formatter, for messages and for printing
 * derived kernels.
 *
 * Parentheses of the source are in the tree (`parens`) and are kept, since they mean
 * something; a tree made by hand gets those it needs from the precedence of its operators. */
#include "dsl/parser/fmt_private.h"
#include "dsl/parser/lex_private.h"

#include <stdlib.h>
#include <string.h>

enum { PREC_COND = 0, PREC_UNARY = 11, PREC_POSTFIX = 12 };

static const struct {
    const char *text;
    int prec;
} operators[] = {
    [TG_OPER_MUL] = {"*", 10},  [TG_OPER_DIV] = {"/", 10},  [TG_OPER_REM] = {"%", 10},
    [TG_OPER_ADD] = {"+", 9},   [TG_OPER_SUB] = {"-", 9},   [TG_OPER_SHL] = {"<<", 8},
    [TG_OPER_SHR] = {">>", 8},  [TG_OPER_AND] = {"&", 7},   [TG_OPER_XOR] = {"^", 6},
    [TG_OPER_OR] = {"|", 5},    [TG_OPER_LT] = {"<", 4},    [TG_OPER_LE] = {"<=", 4},
    [TG_OPER_GT] = {">", 4},    [TG_OPER_GE] = {">=", 4},   [TG_OPER_EQ] = {"==", 3},
    [TG_OPER_NE] = {"!=", 3},   [TG_OPER_LAND] = {"&&", 2}, [TG_OPER_LOR] = {"||", 1},
    [TG_OPER_MIN] = {"min", 0}, [TG_OPER_MAX] = {"max", 0}, [TG_OPER_NEG] = {"-", 11},
    [TG_OPER_LNOT] = {"!", 11}, [TG_OPER_BNOT] = {"~", 11}, [TG_OPER_NONE] = {"", 0},
};

const char *tg_fmt_operator(tg_operator op) {
    return operators[op].text;
}

static void put_expr(fmt_text *t, const tg_expr *e, int least);

static int precedence(const tg_expr *e) {
    if (e->kind == TG_EXPR_COND)
        return PREC_COND;
    if (e->kind == TG_EXPR_BINARY)
        return operators[e->u.binary.op].prec;
    if (e->kind == TG_EXPR_UNARY || (e->kind == TG_EXPR_INDEX && e->u.index.otherwise))
        return PREC_UNARY;
    return PREC_POSTFIX;
}

/* ---- literals ---------------------------------------------------------------------------- */

void tg_fmt_string(fmt_text *t, const char *text, uint32_t len) {
    tg_fmt_puts(t, "\"");
    for (uint32_t i = 0; i < len;) {
        unsigned char c = (unsigned char)text[i];
        uint32_t code_point = 0, n = tg_lex_utf8(text + i, len - i, &code_point);
        if (c == '\n' || c == '\t')
            tg_fmt_puts(t, c == '\n' ? "\\n" : "\\t");
        else if (c == '"' || c == '\\')
            tg_strbuf_printf(&t->text, "\\%c", c);
        else if (c < 0x20 || c == 0x7F || n == 0)
            tg_strbuf_printf(&t->text, "\\x%02X", (unsigned)c);
        else
            tg_strbuf_put(&t->text, text + i, n);
        i += n ? n : 1;
    }
    tg_fmt_puts(t, "\"");
}

/* Strings keep their spelling and their division into pieces. */
static void put_string(fmt_text *t, const tg_expr *e) {
    if (!t->source || e->span.file == 0) {
        tg_fmt_string(t, e->u.string.text, e->u.string.len);
        return;
    }
    const char *s = t->source->text;
    for (uint32_t i = e->span.begin; i < e->span.end;) {
        if (s[i] != '"') {
            i++;
            continue;
        }
        uint32_t begin = i++;
        while (i < e->span.end && s[i] != '"')
            i += s[i] == '\\' ? 2 : 1;
        i++;
        if (begin > e->span.begin && t->text.data[t->text.len - 1] == '"')
            tg_fmt_space(t, 1);
        tg_strbuf_put(&t->text, s + begin, i - begin);
    }
}

/* The shortest decimal fraction that gives the value, without the host's decimal point. */
static void put_double(fmt_text *t, double value) {
    char *text = NULL;
    for (int digits = 1; digits <= 17; digits++) {
        text = tg_arena_printf(t->arena, "%.*e", digits - 1, value);
        if (strtod(text, NULL) <= value && strtod(text, NULL) >= value)
            break;
    }
    for (char *c = text; *c; c++)
        if (*c == ',')
            *c = '.';
    tg_fmt_puts(t, text);
}

static void put_literal(fmt_text *t, const tg_expr *e) {
    if (e->kind == TG_EXPR_INT && e->u.integer.text)
        tg_fmt_puts(t, e->u.integer.text);
    else if (e->kind == TG_EXPR_INT)
        tg_strbuf_printf(&t->text, "%llu", (unsigned long long)e->u.integer.value);
    else if (e->kind == TG_EXPR_FLOAT && e->u.number.text)
        tg_fmt_puts(t, e->u.number.text);
    else if (e->kind == TG_EXPR_FLOAT)
        put_double(t, e->u.number.value);
    else if (e->kind == TG_EXPR_STRING)
        put_string(t, e);
    else if (e->kind == TG_EXPR_BOOL)
        tg_fmt_puts(t, e->u.boolean.value ? "true" : "false");
    else if (e->kind == TG_EXPR_INF || e->kind == TG_EXPR_NAN)
        tg_fmt_puts(t, e->kind == TG_EXPR_INF ? "inf" : "nan");
}

/* ---- types ------------------------------------------------------------------------------- */

static void put_type_axes(fmt_text *t, const tg_tref *type) {
    if (!type->has_axes)
        return;
    tg_fmt_open(t, "[");
    for (uint32_t i = 0; i < type->n_axes; i++) {
        if (i)
            tg_fmt_comma(t);
        tg_fmt_puts(t, type->axes[i]);
    }
    tg_fmt_close(t, "]");
}

void tg_fmt_type(fmt_text *t, const tg_tref *type) {
    if (type->kind == TG_TREF_NAMED)
        tg_fmt_puts(t, type->name ? type->name : tg_dtype_name(type->dtype));
    if (type->kind == TG_TREF_WIDE) {
        tg_fmt_open(t, "wide(");
        tg_fmt_type(t, type->inner);
        tg_fmt_close(t, ")");
    }
    if (type->kind == TG_TREF_TUPLE) {
        tg_fmt_open(t, "(");
        for (uint32_t i = 0; i < type->n_items; i++) {
            if (i)
                tg_fmt_comma(t);
            tg_fmt_type(t, type->items[i]);
        }
        tg_fmt_close(t, ")");
    }
    put_type_axes(t, type);
}

/* ---- expressions ------------------------------------------------------------------------- */

void tg_fmt_args(fmt_text *t, const tg_arg *args, uint32_t n) {
    for (uint32_t i = 0; i < n; i++) {
        if (i)
            tg_fmt_comma(t);
        if (args[i].name)
            tg_strbuf_printf(&t->text, "%s = ", args[i].name);
        put_expr(t, args[i].value, PREC_COND);
    }
}

static void put_tuple(fmt_text *t, const tg_expr *e) {
    tg_fmt_open(t, "(");
    for (uint32_t i = 0; i < e->u.tuple.n_items; i++) {
        if (i)
            tg_fmt_comma(t);
        put_expr(t, e->u.tuple.items[i], PREC_COND);
    }
    tg_fmt_close(t, ")");
}

static void put_binary(fmt_text *t, const tg_expr *e) {
    int prec = operators[e->u.binary.op].prec;
    bool compares = prec == 3 || prec == 4;
    put_expr(t, e->u.binary.left, compares ? prec + 1 : prec);
    tg_fmt_space(t,
                 (uint32_t)prec + (prec == 10 ? TG_FMT_NEST + 8 : 4)); /* products rather not */
    tg_strbuf_printf(&t->text, "%s ", operators[e->u.binary.op].text);
    put_expr(t, e->u.binary.right, prec + 1);
}

static void put_cond(fmt_text *t, const tg_expr *e) {
    put_expr(t, e->u.cond.test, 1);
    tg_fmt_space(t, 4);
    tg_fmt_puts(t, "? ");
    put_expr(t, e->u.cond.yes, PREC_COND);
    tg_fmt_space(t, 4);
    tg_fmt_puts(t, ": ");
    put_expr(t, e->u.cond.no, PREC_COND);
}

static void put_call(fmt_text *t, const tg_expr *e) {
    put_expr(t, e->u.call.callee, PREC_POSTFIX);
    tg_fmt_open(t, "(");
    tg_fmt_args(t, e->u.call.args, e->u.call.n_args);
    tg_fmt_close(t, ")");
}

static void put_index(fmt_text *t, const tg_expr *e) {
    put_expr(t, e->u.index.base, PREC_POSTFIX);
    tg_fmt_open(t, "[");
    tg_fmt_args(t, e->u.index.args, e->u.index.n_args);
    tg_fmt_close(t, "]");
    if (!e->u.index.otherwise)
        return;
    tg_fmt_space(t, 15);
    tg_fmt_puts(t, "else ");
    put_expr(t, e->u.index.otherwise, PREC_UNARY);
}

static void put_suffix(fmt_text *t, const tg_expr *e) {
    if (e->kind == TG_EXPR_MEMBER) {
        put_expr(t, e->u.member.base, PREC_POSTFIX);
        tg_strbuf_printf(&t->text, ".%s", e->u.member.name);
    } else if (e->kind == TG_EXPR_ELEMENT) {
        put_expr(t, e->u.element.base, PREC_POSTFIX);
        tg_strbuf_printf(&t->text, ".%u", e->u.element.position);
    }
}

static void put_unary(fmt_text *t, const tg_expr *e) {
    tg_fmt_puts(t, operators[e->u.unary.op].text);
    put_expr(t, e->u.unary.operand, PREC_UNARY);
}

static void put_bare(fmt_text *t, const tg_expr *e) {
    typedef void put_fn(fmt_text *, const tg_expr *);
    static put_fn *const table[] = {
        [TG_EXPR_INT] = put_literal,    [TG_EXPR_FLOAT] = put_literal,
        [TG_EXPR_STRING] = put_literal, [TG_EXPR_BOOL] = put_literal,
        [TG_EXPR_INF] = put_literal,    [TG_EXPR_NAN] = put_literal,
        [TG_EXPR_TUPLE] = put_tuple,    [TG_EXPR_UNARY] = put_unary,
        [TG_EXPR_BINARY] = put_binary,  [TG_EXPR_COND] = put_cond,
        [TG_EXPR_CALL] = put_call,      [TG_EXPR_INDEX] = put_index,
        [TG_EXPR_MEMBER] = put_suffix,  [TG_EXPR_ELEMENT] = put_suffix,
        [TG_EXPR_POISON] = NULL,
    };
    if (e->kind == TG_EXPR_NAME)
        tg_fmt_puts(t, e->u.name.name);
    else if (e->kind == TG_EXPR_TYPE)
        tg_fmt_type(t, e->u.type.type);
    else if (table[e->kind])
        table[e->kind](t, e);
}

static void put_expr(fmt_text *t, const tg_expr *e, int least) {
    bool parens = e->parens || precedence(e) < least;
    if (parens)
        tg_fmt_open(t, "(");
    put_bare(t, e);
    if (parens)
        tg_fmt_close(t, ")");
}

void tg_fmt_expr(fmt_text *t, const tg_expr *e) {
    put_expr(t, e, PREC_COND);
}

void tg_format_expr(const tg_expr *e, tg_strbuf *out) {
    fmt_text t;
    tg_fmt_text_init(&t, out->arena, NULL);
    tg_fmt_expr(&t, e);
    tg_strbuf_put(out, t.text.data ? t.text.data : "", t.text.len);
}
