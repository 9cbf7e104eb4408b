/* Inside the elaborator: values at elaboration time, symbols, scopes, and who calls whom.
 *
 *   unit.c          modules, imports, entry points
 *   elab_kernel.c   parameters, dimensions, launch level, phases
 *   elab_stmt.c     let, declarations, assignments, stores      elab_axis.c   axes, domains, views
 *   elab_flow.c     if, break, return, masks                    elab_loop.c   for, while, unroll
 *   elab_expr.c     names, literals, ?:                         elab_oper.c   operators, contraction
 *   elab_index.c    tensors, tiles, axis attributes
 *   elab_bind.c     arguments to parameters                     elab_call.c   inlining and lifting
 *   elab_builtin.c, elab_reduce.c, elab_atomic.c                builtins.def and what its rows call
 *   elab_value.c, elab_const.c, elab_scope.c                    helpers
 *
 * One walk serves two purposes. Checking: constants are unknown; they are IR values with the
 * mark `constant`.
 * Instantiation: constants are CONST values and fold away. Nothing else tells the two apart,
 * except that
 * checking looks at both branches of an `if` with a known condition.
 *
 * Poison values and null operands raise no further diagnostics. */
#ifndef TG_PARSER_ELAB_INTERNAL_H
#define TG_PARSER_ELAB_INTERNAL_H

#include "dsl/parser/elab.h"

__extension__ typedef __int128 tg_i128;

typedef struct tg_elab tg_elab;
typedef struct tg_sym tg_sym;
typedef struct tg_module tg_module;

/* ---- values ------------------------------------------------------------------------------ */

typedef enum tg_ev_kind {
    TG_EV_POISON,  /* an error was reported */
    TG_EV_NOTHING, /* result of print, assert */
    TG_EV_LITERAL, /* untyped: integer of 128 bits or f64; with items `value ? items[0] : items[1]` */
    TG_EV_CONST, /* typed scalar known now */
    TG_EV_VALUE, /* IR value: a tile */
    TG_EV_TUPLE,
    TG_EV_AXIS,    /* sym */
    TG_EV_TENSOR,  /* sym */
    TG_EV_POINTER, /* value: u64 address; dtype: element type */
    TG_EV_TYPE,    /* dtype */
    TG_EV_FN,      /* function */
    TG_EV_BUILTIN, /* builtin */
    TG_EV_MODULE,  /* module */
    TG_EV_TEXT     /* string literal */
} tg_ev_kind;

typedef struct tg_ev {
    tg_ev_kind kind;
    bool constant; /* VALUE, choice of LITERALs: a constant expression whose value is unknown while checking */
    bool is_float; /* LITERAL */
    tg_dtype dtype;
    tg_i128 integer;
    double number;
    tg_scalar scalar;
    tg_value *value;
    const struct tg_ev *items; /* TUPLE */
    uint32_t n_items;
    tg_sym *sym;
    const struct tg_function *function;
    const struct tg_builtin *builtin;
    const tg_module *module;
    const char *text;
} tg_ev;

/* ---- symbols and scopes ------------------------------------------------------------------ */

typedef enum tg_sym_kind {
    TG_SYM_VALUE, /* immutable: let, constants, scalar parameters, dimensions, each */
    TG_SYM_EACH,
    TG_SYM_VAR, /* mutable tile; `type` fixed by its declaration */
    TG_SYM_AXIS,
    TG_SYM_TENSOR,
    TG_SYM_TYPE,
    TG_SYM_FN /* `fn f` parameter, or any value bound to a function */
} tg_sym_kind;

typedef enum tg_storage {
    TG_STORE_IN,
    TG_STORE_OUT,
    TG_STORE_INOUT,
    TG_STORE_TEMP,
    TG_STORE_VIEW
} tg_storage;

struct tg_sym {
    tg_sym_kind kind;
    tg_name name;
    tg_span span;
    tg_sym *next;        /* outward */
    tg_ev ev;            /* VALUE EACH VAR TYPE FN: what the name stands for now */
    const tg_type *type; /* VAR: declared type */
    tg_axis *axis;       /* AXIS */
    bool restricted;     /* AXIS: from or until present */
    bool used, is_let;
    bool unrolled; /* VAR of `unroll for`: a constant in the body */
    /* TENSOR */
    tg_storage storage;
    tg_dtype dtype;
    uint32_t rank;
    tg_value *tensor; /* null if absent */
    bool optional;
    int open;             /* optional: inside how many `if (x)` */
    bool filled;          /* initial value given */
    uint32_t first_store; /* number of the first phase that stores; 0: none */
    uint32_t last_store, last_load;
    uint32_t misread; /* phase with a reported load of an `out` tensor */
};

/* A function found by name: with the module in whose scope its body is elaborated. */
typedef struct tg_function {
    const tg_fn *fn;
    const tg_module *module;
    const tg_fn *externs[4]; /* extern versions, by order of appearance */
    uint32_t n_externs;
    bool *recursive; /* E0501 was reported for a cycle through it */
} tg_function;

typedef struct tg_frame { /* one inlined call */
    const tg_function *function;
    struct tg_frame *up;
    tg_axis **lift; /* axes of the arguments beyond the declared ones */
    uint32_t n_lift;
    tg_value *mask;   /* points that run (masked functions); null: all */
    tg_value *outside; /* points for which a caller runs, where `mask` does not say so; or null */
    tg_sym *returned; /* hidden flag; null while the body needs none */
    tg_sym **results; /* hidden variables of early returns */
    uint32_t n_results;
    tg_ev value; /* of the final return */
    bool has_value;
} tg_frame;

typedef struct tg_loop {
    tg_sym *stop, *skip; /* hidden flags of break and continue; null if not used in the body */
    struct tg_loop *up;
} tg_loop;

typedef TG_VEC(tg_sym *) tg_syms;
typedef TG_VEC(tg_axis *) tg_axes;

struct tg_elab {
    tg_unit *unit;
    const tg_module *module; /* whose items are in scope */
    tg_arena *arena;
    tg_interner *names;
    tg_diags *diags;
    tg_func *func;
    tg_builder b;
    bool checking;
    bool sampled; /* while checking: an `unroll for` of unknown length stands as one copy of its body */
    const tg_instance_spec *spec;
    const tg_item *kernel;
    const tg_signature *sig;
    tg_sym *scope;
    tg_frame *frame;
    tg_loop *loop;
    tg_sym *kernel_returned; /* hidden flag of `return` in the current grid, or null */
    uint32_t phase;          /* number of the current phase; 0: launch level */
    uint32_t n_phases;
    uint32_t depth; /* nesting of calls and expressions, bounded */
    uint32_t folds;       /* > 0: inside a function that reduce or scan applies */
    const tg_expr *whole; /* the right side, or call statement, being elaborated */
    TG_VEC(tg_name) dead_axes;
    TG_VEC(const tg_axis *) varying; /* axes whose extent is constant in no instance */
    TG_VEC(tg_name) unknown;      /* names that were reported */
    TG_VEC(const tg_sym *) ended; /* variables of blocks that ended, while checking a kernel */
    bool broken;                  /* looks at an item whose header has a syntax error */
    const tg_item *constant_stack[16]; /* module constants being evaluated */
    uint32_t n_constant_stack;
};

/* ---- modules (unit.c) -------------------------------------------------------------------- */

typedef struct tg_import {
    const tg_item *item;
    tg_module *module;
    tg_name alias;
    bool used;
} tg_import;

struct tg_module {
    const char *path;
    const tg_file *file;
    tg_map *items;     /* name → tg_item* (const, plain fn or else extern fn, kernel) */
    tg_map *functions; /* name → tg_function* */
    TG_VEC(tg_import) imports;
    bool loading;
};

/* Item of that name in a module, private ones only from inside; null if none. */
const tg_item *tg_module_item(const tg_module *m, tg_name name, bool from_inside);

/* ---- elab_value.c ------------------------------------------------------------------------ */

tg_ev tg_ev_poison(void);
tg_ev tg_ev_nothing(void);
tg_ev tg_ev_int(tg_i128 v);
tg_ev tg_ev_float(double v);
tg_ev tg_ev_const(tg_scalar s);
tg_ev tg_ev_const_int(tg_dtype t, int64_t v);
tg_ev tg_ev_bool(bool v);
tg_ev tg_ev_value(tg_value *v); /* poison for null */
tg_ev tg_ev_value_const(tg_value *v, bool constant);
tg_ev tg_ev_choice(tg_elab *e, tg_value *test, tg_ev yes,
                   tg_ev no); /* `?:` of two literals: untyped */
tg_ev tg_ev_tuple(tg_elab *e, const tg_ev *items, uint32_t n);
bool tg_ev_is_poison(const tg_ev *v);   /* tuples with a poisoned part too */
bool tg_ev_is_number(const tg_ev *v);   /* LITERAL CONST VALUE */
bool tg_ev_is_constant(const tg_ev *v); /* constant expression, known or not */
bool tg_ev_known_int(const tg_ev *v, int64_t *out);
bool tg_ev_known_bool(const tg_ev *v, bool *out);
tg_dtype tg_ev_dtype(const tg_ev *v); /* NONE for untyped literals */
const tg_type *tg_ev_type(tg_elab *e,
                          const tg_ev *v); /* literals: default type; null if no number */
/* IR value of a number; untyped literals take their default type (int, f32). Null for poison.
 * */
tg_value *tg_elab_value(tg_elab *e, const tg_ev *v);
/* Implicit conversion (section 4); reports E0203 to E0206. */
tg_ev tg_elab_convert(tg_elab *e, const tg_ev *v, tg_dtype to, tg_span span);
/* `τ(x)` */
tg_ev tg_elab_cast(tg_elab *e, const tg_ev *v, tg_dtype to, tg_span span);
tg_value *tg_elab_converted(tg_elab *e, const tg_ev *v, tg_dtype to,
                            tg_span span); /* null for poison */
/* Common type of numbers; literals adapt. NONE after a report. */
tg_dtype tg_elab_common(tg_elab *e, const tg_ev *items, uint32_t n, tg_span span,
                        const char *what);
const char *tg_elab_type_text(tg_elab *e, const tg_type *t);
const char *tg_elab_ev_text(tg_elab *e, const tg_ev *v); /* "f32[i, j]", "an axis", … */
const char *tg_elab_dtype_text(tg_elab *e,
                               tg_dtype t); /* a type parameter's name if one stands for it */
const char *tg_elab_axes_text(tg_elab *e, tg_axis *const *axes, uint32_t n); /* "[i, j]" */

/* ---- elab_const.c: folding, pure --------------------------------------------------------- */

/* False if not folded (unknown, complex, or not a foldable operator). Operands of one dtype. */
bool tg_const_binary(tg_operator op, tg_scalar x, tg_scalar y, tg_scalar *out);
bool tg_const_unary(tg_operator op, tg_scalar x, tg_scalar *out);
bool tg_const_literals(tg_operator op, const tg_ev *x, const tg_ev *y, tg_ev *out);
bool tg_const_function(tg_opcode op, const tg_scalar *args, uint32_t n, tg_scalar *out);
tg_scalar tg_scalar_int(tg_dtype t, int64_t v);  /* keeps the low bits */
tg_scalar tg_scalar_float(tg_dtype t, double v); /* rounds */

/* ---- elab_scope.c ------------------------------------------------------------------------ */

tg_sym *tg_scope_find(const tg_elab *e, tg_name name); /* locals, parameters; null if none */
/* Adds a symbol; reports E0302 if the name is visible in this kernel or function. `_` is not
 * entered. */
tg_sym *tg_scope_add(tg_elab *e, tg_sym_kind kind, tg_name name, tg_span span);
tg_sym *tg_scope_hidden(tg_elab *e, const char *what,
                        tg_dtype dtype);     /* a variable without a name, not in scope */
void tg_scope_pop(tg_elab *e, tg_sym *mark); /* axes that end become known as dead */
/* Any name as an expression: section 9. Reports E0201 with a suggestion. */
tg_ev tg_elab_name(tg_elab *e, tg_name name, tg_span span);
tg_ev tg_elab_item_value(tg_elab *e, const tg_module *m, const tg_item *item, tg_span span);
tg_ev tg_elab_sym_value(tg_elab *e, tg_sym *s, tg_span span);
void tg_elab_unknown_name(tg_elab *e, tg_name name, tg_span span);
tg_dtype tg_elab_dtype(tg_elab *e, const tg_tref *t); /* NONE after a report */
/* The axis symbol of a bare name, or null after E0301/E0303/E0307. */
tg_sym *tg_elab_axis_name(tg_elab *e, tg_name name, tg_span span);

/* ---- expressions ------------------------------------------------------------------------- */

tg_ev tg_elab_expr(tg_elab *e, const tg_expr *x); /* anything a name may stand for */
tg_ev tg_elab_rvalue(tg_elab *e,
                     const tg_expr *x); /* number or tuple: an axis becomes its indices */
tg_ev tg_elab_as_rvalue(tg_elab *e, tg_ev v, tg_span span);
tg_value *tg_elab_tile(tg_elab *e, const tg_expr *x);       /* rvalue as IR; null for poison */
tg_value *tg_elab_index_tile(tg_elab *e, const tg_expr *x); /* converted to i64 */
/* v, or null and a report if it has axes */
tg_value *tg_elab_require_scalar(tg_elab *e, tg_value *v, tg_span span,
                                 tg_diag_code not_scalar);
tg_value *tg_elab_scalar_int(tg_elab *e, const tg_expr *x,
                             tg_diag_code not_scalar); /* i64 scalar */
tg_ev tg_elab_bool(
    tg_elab *e,
    const tg_expr *x); /* number of type bool (E0206), optional parameters allowed */
bool tg_elab_constant_int(tg_elab *e, const tg_expr *x, int64_t *out, bool *known); /* E0212 */
tg_ev tg_elab_binary(tg_elab *e, tg_operator op, tg_ev x, tg_ev y, tg_span span);
/* x + a*b and its kin: see elab_oper.c */
tg_ev tg_elab_sum(tg_elab *e, tg_operator op, const tg_ev *left_value, const tg_expr *left,
                  const tg_expr *right, tg_span span);
tg_ev tg_elab_unary(tg_elab *e, tg_operator op, tg_ev x, tg_span span);
tg_ev tg_elab_select(tg_elab *e, tg_ev c, tg_ev x, tg_ev y, tg_span span);
const char *tg_elab_operator_text(tg_operator op);
/* Optional tensors that are present where `x` has the value `truth` become usable (by = 1), or
 * no longer (by = -1). */
void tg_elab_open_optionals(tg_elab *e, const tg_expr *x, bool truth, int by);

tg_ev tg_elab_index(tg_elab *e, const tg_expr *x);
tg_ev tg_elab_member(tg_elab *e, const tg_expr *x);
typedef struct tg_place { /* X[e…] evaluated once, for stores and atomics */
    tg_sym *tensor;
    tg_value **indices;
    uint32_t n;
} tg_place;
bool tg_elab_place(tg_elab *e, const tg_expr *x, tg_place *out); /* base must be a tensor */
tg_value *tg_elab_load(tg_elab *e, const tg_place *p, tg_value *otherwise, tg_span span);
tg_value *tg_elab_axis_attribute(tg_elab *e, tg_sym *axis, tg_opcode op, tg_span span);
/* Evaluates named arguments `r = e` of a tile index. */
bool tg_elab_named_indices(tg_elab *e, const tg_expr *x, const tg_type *t, tg_axis **axes,
                           tg_value **indices);
void tg_elab_note_load(tg_elab *e, tg_sym *t, tg_span span); /* direction rules E0411 */
void tg_elab_note_store(tg_elab *e, tg_sym *t, tg_span span);

tg_ev tg_elab_call(tg_elab *e, const tg_expr *x);
tg_ev tg_elab_apply(tg_elab *e, const tg_ev *callee, const tg_ev *args, uint32_t n,
                    tg_span span); /* positional values */

/* ---- built-in functions ------------------------------------------------------------------ */

typedef struct tg_call { /* a call of a built-in, or its application to values */
    const struct tg_builtin *f;
    const tg_expr *x;           /* null when applied to values */
    const tg_expr *const *args; /* positional arguments */
    const tg_ev *values;        /* when x is null */
    uint32_t n;                 /* positional arguments or values */
    tg_span span;
} tg_call;

typedef tg_ev (*tg_builtin_fn)(tg_elab *e, const tg_call *c);
typedef struct tg_builtin {
    const char *name;
    uint8_t min_args, max_args;
    tg_builtin_fn fn;
    tg_opcode op;
    int option;        /* its meaning is the function's affair */
    const char *named; /* names of named arguments, separated by spaces */
} tg_builtin;

enum {
    TG_TAKES_FLOAT = 1,
    TG_TAKES_INT = 2,
    TG_TAKES_COMPLEX = 4,
    TG_TAKES_BOOL = 8,
    TG_TAKES_NUMBER = 3
};
enum { TG_CALL_MAX_AXES = 16 };

const tg_builtin *tg_builtin_find(const char *name);
uint32_t tg_builtin_names(const char **out, uint32_t max);
tg_ev tg_builtin_call(tg_elab *e, const tg_builtin *f, const tg_expr *x);
tg_ev tg_builtin_arg(tg_elab *e, const tg_call *c, uint32_t i); /* rvalue */
tg_value *tg_builtin_tile(tg_elab *e, const tg_call *c,
                          uint32_t i); /* as IR; null for poison */
tg_span tg_builtin_arg_span(const tg_call *c, uint32_t i);
const tg_expr *tg_builtin_named(const tg_call *c,
                                const char *name); /* named argument or null */
bool tg_builtin_flag(tg_elab *e, const tg_call *c,
                     const char *name); /* constant bool argument, false without */
/* Axes named by the arguments first…; their number, or -1 after a report. */
int tg_builtin_axes(tg_elab *e, const tg_call *c, uint32_t first, tg_axis **out);
bool tg_builtin_has_axes(tg_elab *e, const tg_call *c,
                         uint32_t first); /* argument `first` is the bare name of an axis */
bool tg_builtin_check_axes(tg_elab *e, const tg_call *c, const tg_value *x,
                           tg_axis *const *axes, uint32_t n); /* E0310 */
/* Elementwise op on values of a common type in `takes`; folds constants. Poison after E0203,
 * E0207, E0210. */
tg_ev tg_builtin_elementwise(tg_elab *e, const char *name, tg_opcode op, int takes, tg_ev *args,
                             uint32_t n, tg_span span);
tg_ev tg_builtin_minmax_over(tg_elab *e, const tg_call *c);

/* ---- statements -------------------------------------------------------------------------- */

void tg_elab_stmt(tg_elab *e, const tg_stmt *s);
void tg_elab_block(tg_elab *e, const tg_stmt *s); /* in its own scope */
void tg_elab_let(tg_elab *e, const tg_stmt *s);
void tg_elab_decl(tg_elab *e, const tg_stmt *s);
void tg_elab_axis_stmt(tg_elab *e, const tg_stmt *s);
void tg_elab_view(tg_elab *e, const tg_stmt *s);
void tg_elab_assign(tg_elab *e, const tg_stmt *s);
void tg_elab_atomic_stmt(tg_elab *e, const tg_stmt *s);
void tg_elab_note_atomic(tg_elab *e, tg_sym *t, tg_span span); /* E0411 for in */
void tg_elab_static_assert(tg_elab *e, const tg_arg *args, uint32_t n, tg_span span);
void tg_elab_if(tg_elab *e, const tg_stmt *s);
void tg_elab_while(tg_elab *e, const tg_stmt *s);
void tg_elab_for(tg_elab *e, const tg_stmt *s);
void tg_elab_for_c(tg_elab *e, const tg_stmt *s);
void tg_elab_exit(tg_elab *e, const tg_stmt *s); /* break continue return */
bool tg_elab_may_exit(
    const tg_stmt *s); /* break/continue for an outer loop, or return, inside */
bool tg_elab_has_return(const tg_stmt *s);
/* Gives a variable a new value: converts, checks axes (E0311), broadcasts to the declared
 * type. */
void tg_elab_set_var(tg_elab *e, tg_sym *var, const tg_ev *value, const tg_expr *source,
                     tg_span span);
/* `value` where the current mask is set, else `old`; `value` itself without a mask. */
tg_ev tg_elab_masked(tg_elab *e, const tg_ev *value, const tg_ev *old, tg_span span);
/* Reports E0311 for axes of `t` that are not among `allowed`; true if there is none. */
/* The same for the condition of a store. */
bool tg_elab_check_guard(tg_elab *e, const tg_type *t, tg_axis *const *allowed, uint32_t n,
                         const tg_expr *source, const char *target);
bool tg_elab_check_axes(tg_elab *e, const tg_type *t, tg_axis *const *allowed, uint32_t n,
                        const tg_expr *source, tg_span span, const char *target,
                        tg_diag_code code);
/* Where an axis enters an expression; its span, or the whole. */
tg_span tg_elab_axis_origin(tg_elab *e, const tg_expr *x, const tg_axis *a);
/* A domain's three operands, and the facts of its axis. False after a report. */
typedef struct tg_bounds {
    tg_value *extent, *from, *until;
    int64_t known; /* constant unrestricted extent or -1 */
    bool restricted;
    bool varies;  /* the extent is no constant expression, in no instance */
    tg_sym *over; /* extent is this axis */
    int64_t step;
    tg_value *from_here, *until_here; /* of each point in a lifted function, or null; from and
                                       * until hold for all of them */
} tg_bounds;
bool tg_elab_bounds(tg_elab *e, const tg_domain *d, bool grid, bool each, tg_bounds *out);
tg_sym *tg_elab_new_axis(tg_elab *e, tg_axis_kind kind, const tg_binder *b, const tg_bounds *d);
/* A full axis of constant extent; while checking, one that may have a constant extent in instances. */
bool tg_elab_constant_axis(const tg_elab *e, const tg_axis *a);
tg_ev tg_elab_fn_body(tg_elab *e, const tg_fn *fn);
/* A right side as a whole: an atomic call may stand here, and nowhere else. */
tg_ev tg_elab_whole(tg_elab *e, const tg_expr *x);
/* True if the value is made of parameters, dimensions and constants only. */
bool tg_elab_launch_value(const tg_value *v);

/* ---- names only (elab_resolve.c): branches not taken, unused functions ------------------- */

void tg_elab_resolve_stmt(tg_elab *e, const tg_stmt *s);
void tg_elab_resolve_fn(tg_elab *e, const tg_fn *fn);

/* ---- functions nobody calls (elab_function.c) ---- */

/* e: a fresh elaborator in checking mode. */
void tg_elab_check_fn(tg_elab *e, const tg_function *f);

/* ---- launch level (elab_kernel.c) ---- */

void tg_elab_temp(tg_elab *e, const tg_stmt *s);
void tg_elab_grid(tg_elab *e, const tg_stmt *s);

/* ---- kernels (elab_kernel.c) ------------------------------------------------------------- */

tg_func *tg_elab_kernel(tg_elab *e); /* null after errors */

#endif
