/* Symbolic index arithmetic of the access checks: integer values as polynomials over atoms, and what is known
 * about atoms.
 *
 *   form  =  Σ integer · atom · … · atom            (sorted, distinct monomials; equal forms are equal values)
 *   atom  =  a variable (axis index, each index), an attribute of a block, a launch-time value, a quotient or
 *            remainder, an element of a tensor, or anything else by its operation and operands
 *
 * An atom depends on a set of variables; it is a constant once they are known. check_value.c makes forms from IR,
 * check_solve.c decides what a set of forms determines, check_access.c applies the rules of language.md section 7. */
#ifndef TG_PARSER_CHECK_FORM_H
#define TG_PARSER_CHECK_FORM_H

#include "dsl/parser/rules.h"

enum { TG_FORM_DEGREE = 8, TG_FORM_TERMS = 48 };

typedef struct tg_form_term {
    int64_t factor;
    uint32_t n;
    uint32_t atoms[TG_FORM_DEGREE]; /* sorted, repeated for powers */
} tg_form_term;

typedef struct tg_form { /* immutable, in the arena */
    uint32_t n;
    const tg_form_term *terms;
} tg_form;

typedef struct tg_vars { /* a set of variables, n_words words */
    uint64_t *bits;
} tg_vars;

typedef enum tg_atom_kind {
    TG_ATOM_LAUNCH, /* dimension, scalar parameter */
    TG_ATOM_INDEX,  /* index of an axis; var */
    TG_ATOM_EACH,   /* index of an each loop or grid binder; var */
    TG_ATOM_FIRST,  /* attributes of the block of an axis */
    TG_ATOM_SIZE,
    TG_ATOM_BLOCK,
    TG_ATOM_COUNT,
    TG_ATOM_DIV, /* forms[0] / forms[1], rounded down */
    TG_ATOM_REM,
    TG_ATOM_LOAD, /* element of `value` at forms */
    TG_ATOM_OP,   /* operation `op` on forms */
    TG_ATOM_VALUE /* opaque */
} tg_atom_kind;

typedef struct tg_atom {
    tg_atom_kind kind;
    uint32_t op;           /* OP: opcode and distinguishing attribute */
    tg_dtype dtype;        /* OP */
    const tg_value *value; /* LAUNCH, EACH, VALUE; LOAD: the tensor */
    const tg_axis *axis;   /* INDEX FIRST SIZE BLOCK COUNT */
    const tg_form *forms;
    uint32_t n_forms;
    uint32_t dim; /* LAUNCH: number of the signature's dimension + 1, or 0 */
    bool nonneg;
    tg_vars deps;
} tg_atom;

/* A variable of the analysis. Two per block axis: which block, and which index of it. */
typedef struct tg_var {
    const tg_axis *axis;  /* axis variables */
    const tg_value *each; /* each variables */
    bool is_block;        /* which block, not which index */
    const tg_op *binder;  /* par, for, axis */
} tg_var;

typedef struct tg_check {
    tg_arena *arena;
    tg_func *func;
    const tg_signature *sig;
    tg_diags *diags;
    TG_VEC(tg_atom) atoms;
    TG_VEC(tg_var) vars;
    tg_map *each_vars;               /* value → variable number + 1 */
    uint32_t *index_var, *block_var; /* by axis rank; block_var of a full axis: UINT32_MAX */
    uint32_t n_words;
    tg_vars launch;        /* indices of each loops around phases: one value while a phase runs */
    uint32_t iteration;    /* variable of everything that changes as an instance runs */
    tg_map *memo;          /* value → tg_form, of the current phase */
    tg_map *written;       /* tensors stored in the current phase */
    TG_VEC(tg_form) facts; /* forms that are >= 0 at launch */
    const tg_op *phase;
    bool by_block;  /* bounds of a block axis: its block instead of the whole domain */
    uint32_t depth; /* of nested bounds */
    tg_vars every;  /* all grid variables of the current phase and `iteration` */
} tg_check;

/* ---- sets ------------------------------------------------------------------------------------------------- */

tg_vars tg_vars_new(const tg_check *c);
void tg_vars_add(tg_vars s, uint32_t var);
bool tg_vars_has(tg_vars s, uint32_t var);
void tg_vars_remove(tg_vars s, uint32_t var);
void tg_vars_join(const tg_check *c, tg_vars s, tg_vars more);
bool tg_vars_within(const tg_check *c, tg_vars s, tg_vars in);
tg_vars tg_vars_copy(const tg_check *c, tg_vars s);

/* ---- forms ------------------------------------------------------------------------------------------------- */

tg_form tg_form_int(const tg_check *c, int64_t v);
tg_form tg_form_atom(const tg_check *c, uint32_t atom);
/* f + scale·g and f·g; false if a number overflows or the form grows too large */
bool tg_form_add(const tg_check *c, tg_form f, tg_form g, int64_t scale, tg_form *out);
bool tg_form_mul(const tg_check *c, tg_form f, tg_form g, tg_form *out);
bool tg_form_equal(tg_form f, tg_form g);
bool tg_form_constant(tg_form f, int64_t *out);
bool tg_form_single_atom(tg_form f, uint32_t *atom); /* 1 · atom */
/* Interns; gives the number. */
uint32_t tg_atom_intern(tg_check *c, const tg_atom *a);
/* A term without one occurrence of an atom. */
tg_form tg_form_monomial(const tg_check *c, const tg_form_term *t, uint32_t without);

bool tg_form_nonneg(tg_check *c, tg_form f);
/* |f| >= |g| for every value of the atoms */
bool tg_form_covers(tg_check *c, tg_form f, tg_form g);
void tg_form_deps(const tg_check *c, tg_form f, tg_vars out); /* adds */

/* ---- from IR (check_value.c) -------------------------------------------------------------------------------- */

tg_form tg_check_form(tg_check *c, const tg_value *v);
tg_form tg_check_dim(tg_check *c, const tg_value *tensor, uint32_t d);
/* Domain of an axis or each variable: extent, from, until. False for variables without a binder. */
typedef struct tg_check_domain {
    tg_form extent, from, until;
    bool has_from, has_until;
} tg_check_domain;
bool tg_check_domain_of(tg_check *c, uint32_t var, tg_check_domain *out);
const tg_axis *tg_check_root(const tg_axis *a); /* follows `like` */
const char *tg_check_var_name(const tg_check *c, uint32_t var);
void tg_check_gather_facts(tg_check *c);
/* Value of an expression of the signature; false if it is no polynomial of launch-time values. */
bool tg_check_sig_form(tg_check *c, const tg_sig_instr *code, uint32_t n, tg_form *out);
/* Is there such a content fact about a tensor: `sorted(X)`, `unique(X)`, or `X < e` and its kin, which set *bound? */
bool tg_check_has_fact(tg_check *c, const tg_value *tensor, tg_sig_fact_kind kind,
                       tg_form *bound);
/* Quotient and remainder, simplified. */
tg_form tg_form_div(tg_check *c, tg_form p, tg_form q);
tg_form tg_form_rem(tg_check *c, tg_form p, tg_form q);

/* ---- bounds (check_bound.c) ---------------------------------------------------------------------------------- */

/* Inclusive bound of a form over all its variables but those in `keep` (null: none); false if not found. */
bool tg_form_bound(tg_check *c, tg_form f, const tg_vars *keep, bool upper, tg_form *out);
/* The remainder, 0 where `where p % q == 0` says so, also if nothing says that q is positive. */
tg_form tg_form_known_rem(tg_check *c, tg_form p, tg_form q);
/* 0 <= f < limit everywhere */
bool tg_form_within(tg_check *c, tg_form f, tg_form limit);

/* ---- solving (check_solve.c) --------------------------------------------------------------------------------- */

typedef TG_VEC(tg_form) tg_forms;
/* Grows `known` as far as the values of `coordinates` determine variables (language.md 7.3). */
void tg_check_solve(tg_check *c, const tg_forms *coordinates, tg_vars known);

/* ---- pairs (check_pair.c) ---------------------------------------------------------------------------------------- */

/* Are x and y equal, once an axis of y's own is taken for one of x's with the same domain? */
bool tg_form_agrees(tg_check *c, tg_form x, tg_form y);
/* Two maps of n coordinates that never meet. */
bool tg_forms_disjoint(tg_check *c, const tg_form *x, const tg_form *y, uint32_t n);

/* ---- rules ----------------------------------------------------------------------------------------------------- */

void tg_check_phase(tg_check *c, tg_op *phase); /* check_access.c */
void tg_check_block_index(tg_check *c,
                          const tg_op *op); /* check_tile.c: E0314 of REINDEX, REINDEX_SET */
void tg_check_block_reduction(tg_check *c, const tg_op *op); /* check_tile.c: W0802 */
void tg_check_block_atomic(tg_check *c, const tg_op *op);
void tg_check_block_carried(tg_check *c, const tg_op *loop);
void tg_check_costs(tg_check *c);                            /* check_cost.c: W0803, W0807 */
void tg_check_coverage(tg_check *c);                         /* check_cover.c: W0805 */

#endif
