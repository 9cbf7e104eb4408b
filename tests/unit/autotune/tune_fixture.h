/* Directories and rows for the tests of the tuner. */
#ifndef TG_TESTS_TUNE_FIXTURE_H
#define TG_TESTS_TUNE_FIXTURE_H

#include "autotune/db.h"
#include "tests/support/temp_dir.h"

/* Rows number i: all fields differ from row to row. Texts live until the next call. */
tg_db_result tune_result(int i);
tg_db_winner tune_winner(int i);
/* Is it row i as tune_result made it? */
bool tune_is_result(const tg_db_result *row, int i);

#endif
