/* Inside the proof of W0805: check_points.c counts the points of a store, check_cover.c puts the stores of a tensor together and has the
 * idea. */
#ifndef TG_PARSER_CHECK_COVER_H
#define TG_PARSER_CHECK_COVER_H

#include "dsl/parser/check_form.h"

enum { MAX_CONDITIONS = 8 };

typedef enum gap_kind {
    GAP_NONE,
    GAP_CONDITION,
    GAP_LOOP,
    GAP_EMPTY,
    GAP_DOMAIN,
    GAP_INDEX
} gap_kind;

/* a < b, a == b (b - a in `form`), or any bool value; `holds`: it or its opposite */
typedef struct condition {
    enum { COND_LESS, COND_EQUAL, COND_VALUE } kind;
    tg_form form;
    bool holds, uniform;
} condition;

typedef struct store {
    const tg_op *op;
    tg_form *index;
    uint32_t n;
    tg_form count; /* points, which all lie inside the tensor */
    condition conditions[MAX_CONDITIONS];
    uint32_t n_conditions;
} store;

typedef TG_VEC(store) stores;

typedef struct cover {
    tg_check *c;
    const tg_value *tensor;
    stores list;
    gap_kind gap; /* why a store does not count */
    uint32_t gap_var;
    tg_span gap_span;
    uint32_t n_stores;
    bool filled;
    tg_form dims[8]; /* of the box that is counted: the tensor's shape, or a larger one */
} cover;

/* Why a store does not count: `var` where a variable is to blame. False. */
bool tg_cover_note_gap(cover *v, const store *s, gap_kind gap, uint32_t var);
/* The same for the whole launch? */
bool tg_cover_is_uniform(const tg_check *c, tg_form f);
/* Conditions and number of points of a store that stays inside v->dims; false, with the gap, if it is not known to. */
bool tg_cover_measure(cover *v, store *s);

#endif
