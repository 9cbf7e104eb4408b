/* Lexer: source text to an array of tokens, comments kept aside for the formatter and for
 * documentation.
 *
 * The whole file is lexed at once. The grammar needs one token of look-ahead, but recovery and
 * helpful messages are better with the brackets of the file matched beforehand
 * (parse_recover.c). Every error leaves a token that the parser can go on with; `bad` tells it
 * to raise nothing about that place again. */
#ifndef TG_PARSER_LEX_H
#define TG_PARSER_LEX_H

#include "dsl/parser/ast.h"

typedef enum tg_tok {
    TG_TOK_EOF,
    TG_TOK_ERROR, /* characters that are no token; reported */
    TG_TOK_ID,
    TG_TOK_INT,
    TG_TOK_FLOAT,
    TG_TOK_STRING,
    TG_TOK_TYPE, /* a type name: dtype is set */
#define KEYWORD(NAME, spelling) TG_TOK_##NAME,
#define PUNCT(NAME, spelling)   TG_TOK_##NAME,
#include "dsl/parser/tokens.def"
#undef KEYWORD
#undef PUNCT
    TG_TOK_NONE /* no token: what the parser sees while it unwinds from an error */
} tg_tok;

typedef struct tg_token {
    tg_tok kind;
    uint32_t begin, end;
    bool bad;        /* an error was reported about this token */
    bool first;      /* first token of its line */
    bool column_one; /* at the very start of its line */
    tg_name name;    /* ID, TYPE and keywords: the spelling */
    union {
        uint64_t integer;
        double number;
        tg_dtype dtype;
        struct {
            const char *text;
            uint32_t len;
        } string;
    } u;
} tg_token;

typedef struct tg_tokens {
    tg_token *items; /* the last one is EOF */
    uint32_t n_items;
    tg_comment *comments;
    uint32_t n_comments;
} tg_tokens;

tg_tokens tg_lex_file(tg_arena *arena, tg_interner *names, tg_diags *diags, uint32_t file);

const char *
tg_tok_spelling(tg_tok kind); /* ";" for SEMI; for classes of tokens "a name", "a number" … */
bool tg_tok_is_keyword(tg_tok kind); /* type names included */

#endif
