/* What lex.c and lex_literal.c share: the scanner's state. */
#ifndef TG_PARSER_LEX_PRIVATE_H
#define TG_PARSER_LEX_PRIVATE_H

#include "dsl/parser/lex.h"

typedef struct lexer {
    tg_arena *arena;
    tg_interner *names;
    tg_diags *diags;
    tg_map *words; /* keyword and type name → row number + 1 */
    uint8_t first_operator[256]; /* by its first character, the row of the first one */
    const char *text;
    uint32_t len, pos, file;
    bool unterminated; /* a comment ran to the end of the file */
    TG_VEC(tg_token) tokens;
    TG_VEC(tg_comment) comments;
} lexer;

static inline char lex_peek(const lexer *lx, uint32_t ahead) {
    return lx->pos < lx->len && ahead < lx->len - lx->pos ? lx->text[lx->pos + ahead] : '\0';
}

static inline tg_span lex_span(const lexer *lx, uint32_t begin, uint32_t end) {
    return (tg_span){lx->file, begin, end};
}

static inline bool lex_is_digit(char c) {
    return c >= '0' && c <= '9';
}

static inline bool lex_is_word(char c) {
    return lex_is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

/* Scan one literal at lx->pos; the token gets kind, value and `bad`. */
void tg_lex_number(lexer *lx, tg_token *token);
void tg_lex_element(lexer *lx, tg_token *token); /* digits after `.`: always an INT */
void tg_lex_string(lexer *lx, tg_token *token);

/* Length of the UTF-8 sequence at s (at most n bytes) and its code point; 0 if it is
 * malformed. */
uint32_t tg_lex_utf8(const char *s, uint32_t n, uint32_t *code_point);
/* Reports a malformed UTF-8 byte. */
void tg_lex_bad_byte(lexer *lx, uint32_t at);

#endif
