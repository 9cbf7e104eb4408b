/* A directory for the files of a test. */
#ifndef TG_TESTS_TEMP_DIR_H
#define TG_TESTS_TEMP_DIR_H

/* A new empty directory; static storage, one at a time. Ends the program if there is none. */
const char *test_temp_dir(void);
void test_empty_dir(const char *dir);  /* removes the files in it; fine if there is no such directory */
void test_remove_dir(const char *dir); /* with the files in it */

#endif
