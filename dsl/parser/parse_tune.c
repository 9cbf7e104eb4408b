/* `tune` and `schedule` items (language.md sections 3 and 11): targets, values, ranges,
 * requirements, buckets. */
#include "dsl/parser/parse_private.h"

/* A name, or the keyword `unroll`, which is a schedule parameter too. */
static tg_name parse_parameter_name(tg_parser *p, const char *what) {
    tg_span span;
    if (!at(p, TG_TOK_UNROLL))
        return tg_parse_name(p, what, &span);
    tg_name name = current(p)->name;
    advance(p);
    return name;
}

static int64_t parse_int(tg_parser *p, const char *what) {
    if (!at(p, TG_TOK_INT)) {
        if (!p->panic)
            tg_parse_fail(p, TG_E0104, "expected %s, found %s", what,
                          tg_parse_describe(p, p->pos));
        return 0;
    }
    uint64_t value = current(p)->u.integer;
    if (value > INT64_MAX)
        tg_parse_warn_at(p, TG_E0102, token_span(p, p->pos),
                         "malformed number: more than 63 bits");
    advance(p);
    return value > INT64_MAX ? INT64_MAX : (int64_t)value;
}

static tg_sched_target parse_target(tg_parser *p) {
    tg_sched_target t = {0};
    uint32_t first = p->pos;
    t.name = parse_parameter_name(p, "the name of an axis or parameter");
    if (accept(p, TG_TOK_DOT)) {
        t.phase = t.name;
        t.name = parse_parameter_name(p, "the name of an axis after the phase");
    }
    if (accept(p, TG_TOK_HASH))
        t.ordinal = parse_int(p, "a number after '#'");
    if (accept(p, TG_TOK_LPAREN)) {
        tg_name_list args = tg_parse_names(p, TG_TOK_RPAREN, "a name");
        tg_parse_expect(p, TG_TOK_RPAREN, "the names");
        t.args = args.items;
        t.n_args = args.n;
    }
    t.span = span_from(p, first);
    return t;
}

static tg_tvalue *parse_value(tg_parser *p);

static void parse_values(tg_parser *p, tg_tok closer, tg_tvalue ***items, uint32_t *n_items) {
    TG_VEC(tg_tvalue *) list = {0};
    do
        tg_vec_push(p->arena, &list, parse_value(p));
    while (tg_parse_more(p, closer));
    *items = list.data;
    *n_items = list.len;
}

static void parse_value_parens(tg_parser *p, tg_tvalue *v) {
    parse_values(p, TG_TOK_RPAREN, &v->items, &v->n_items);
    tg_parse_expect(p, TG_TOK_RPAREN, "the values");
}

static void parse_value_into(tg_parser *p, tg_tvalue *v) {
    if (at(p, TG_TOK_INT)) {
        v->kind = TG_TV_INT;
        v->integer = parse_int(p, "a number");
    } else if (at(p, TG_TOK_FLOAT)) {
        v->kind = TG_TV_FLOAT;
        v->number = current(p)->u.number;
        advance(p);
    } else if (at(p, TG_TOK_TRUE) || at(p, TG_TOK_FALSE)) {
        v->kind = TG_TV_BOOL;
        v->boolean = at(p, TG_TOK_TRUE);
        advance(p);
    } else if (accept(p, TG_TOK_LPAREN)) {
        v->kind = TG_TV_TUPLE;
        parse_value_parens(p, v);
    } else {
        v->kind = TG_TV_NAME;
        v->name = parse_parameter_name(p, "a value");
        if (accept(p, TG_TOK_LPAREN))
            parse_value_parens(p, v);
    }
}

static tg_tvalue *parse_value(tg_parser *p) {
    uint32_t first = p->pos;
    tg_tvalue *v = TG_NEW(p->arena, tg_tvalue);
    if (tg_parse_enter(p, TG_E0104))
        return v;
    parse_value_into(p, v);
    v->span = span_from(p, first);
    tg_parse_leave(p);
    return v;
}

static void parse_buckets(tg_parser *p, tg_titem *item) {
    uint32_t cap = 0;
    tg_span span;
    item->kind = TG_TI_BUCKET;
    advance(p);
    do {
        if (item->n_buckets == cap)
            item->buckets = tg_vec_grow(p->arena, item->buckets, &cap, item->n_buckets,
                                        sizeof *item->buckets);
        uint32_t i = item->n_buckets++;
        item->buckets[i].name = tg_parse_name(p, "the name of a dimension", &span);
        item->buckets[i].how = at(p, TG_TOK_ID) ? tg_parse_name(p, "a rule", &span) : NULL;
    } while (tg_parse_more(p, TG_TOK_SEMI));
}

static void parse_choices(tg_parser *p, tg_titem *item) {
    if (accept(p, TG_TOK_LBRACE)) {
        item->kind = TG_TI_CHOICES;
        parse_values(p, TG_TOK_RBRACE, &item->values, &item->n_values);
        tg_parse_expect(p, TG_TOK_RBRACE, "the choices");
        return;
    }
    item->kind = TG_TI_RANGE;
    item->lo = parse_int(p, "'{' or a number after 'in'");
    tg_parse_expect(p, TG_TOK_DOTS, "the least value");
    item->hi = parse_int(p, "the greatest value");
    item->step = accept_word(p, p->words.step) ? parse_int(p, "the step") : 1;
}

static void parse_setting(tg_parser *p, tg_titem *item) {
    TG_VEC(tg_sched_target) targets = {0};
    do
        tg_vec_push(p->arena, &targets, parse_target(p));
    while (tg_parse_more(p, TG_TOK_SET));
    item->targets = targets.data;
    item->n_targets = targets.len;
    if (accept(p, TG_TOK_IN)) {
        parse_choices(p, item);
    } else if (tg_parse_expect(p, TG_TOK_SET, "the parameter")) {
        item->kind = TG_TI_SET;
        item->values = TG_NEW(p->arena, tg_tvalue *);
        item->values[0] = parse_value(p);
        item->n_values = 1;
    }
}

/* `require` and `bucket` are ordinary names when they are set like one. */
static bool is_word_item(const tg_parser *p, tg_name word) {
    tg_tok next = peek_kind(p, 1);
    return at_word(p, word) && next != TG_TOK_SET && next != TG_TOK_COMMA &&
           next != TG_TOK_IN && next != TG_TOK_DOT && next != TG_TOK_HASH;
}

static tg_titem parse_titem(tg_parser *p) {
    tg_titem item = {0};
    uint32_t first = p->pos;
    if (is_word_item(p, p->words.require)) {
        item.kind = TG_TI_REQUIRE;
        advance(p);
        item.require = tg_parse_expr(p);
    } else if (is_word_item(p, p->words.bucket)) {
        parse_buckets(p, &item);
    } else {
        parse_setting(p, &item);
    }
    tg_parse_expect(p, TG_TOK_SEMI, "the parameter");
    item.span = span_from(p, first);
    return item;
}

static void parse_titems(tg_parser *p, tg_item *item) {
    TG_VEC(tg_titem) list = {0};
    uint32_t open = p->pos, end = p->closers[open];
    if (!tg_parse_expect(p, TG_TOK_LBRACE, "the name"))
        return;
    while (p->pos < end) {
        uint32_t first = p->start = p->pos;
        tg_titem t = parse_titem(p);
        if (p->panic)
            tg_parse_sync(p, first, end);
        tg_vec_push(p->arena, &list, t);
    }
    item->u.tune.items = list.data;
    item->u.tune.n_items = list.len;
    p->start = open;
    tg_parse_expect(p, TG_TOK_RBRACE, "the parameters");
}

void tg_parse_tune(tg_parser *p, tg_item *item) {
    item->kind = TG_ITEM_TUNE;
    advance(p);
    item->u.tune.name = tg_parse_name(p, "the name of a kernel", &item->u.tune.name_span);
    parse_titems(p, item);
}

void tg_parse_schedule(tg_parser *p, tg_item *item) {
    tg_span span;
    item->kind = TG_ITEM_SCHEDULE;
    advance(p);
    item->u.tune.name = tg_parse_name(p, "the name of a kernel", &item->u.tune.name_span);
    if (accept(p, TG_TOK_AT))
        item->u.tune.target = tg_parse_name(p, "a target after '@'", &span);
    if (accept_word(p, p->words.when))
        item->u.tune.when = tg_parse_condition(p, "when");
    parse_titems(p, item);
}
