"""The items of reliability, their bars, and the tests that decide them, for the table of `pytest -m reliability`.

Tests are named as in tests/: `test_process.py::test_x`. What needs another build, another machine or hours is run by a
script of this folder or elsewhere, and `elsewhere` says by which; what it found last is in recorded.json.
"""

import json
from dataclasses import dataclass
from pathlib import Path

ITEMS = [*(f"F{n}" for n in range(1, 29)), *(f"T{n}" for n in range(1, 14)), *(f"K{n}" for n in range(1, 9))]
ITEMS += ["P8", "P9", "P11"]
RECORDED = Path(__file__).with_name("recorded.json")
CI = "run by .ci/run"
SCRIPTS = "run by a script of this folder, which takes a build of its own or hours"


@dataclass(frozen=True)
class Bar:
    item: str
    bar: str
    tests: tuple = ()
    elsewhere: str = ""


def recorded(bar):
    """What the scripts found last for an item, with the day and the command; empty where there is nothing."""
    notes = json.loads(RECORDED.read_text(encoding="utf-8")) if RECORDED.is_file() else {}
    return "; ".join(f"{note['figure']} ({note['command']}, {note['day']})" for note in notes.get(bar.item, []))


def bar(item, text, *tests, elsewhere=""):
    return Bar(item, text, tests, elsewhere)


BARS = (
    bar(
        "F1",
        "forks after training: every child predicts and fits within 5 s, same bits",
        "test_process.py::test_a_forked_child_trains_and_predicts_with_one_thread_and_the_same_bits",
        "test_process.py::test_fifty_of_fifty_forked_children_finish",
    ),
    bar(
        "F2",
        "24 import orders of four libraries, PyTorch too: no crash, no hang, at most one OpenMP more",
        "reliability/test_import_orders.py::test_every_order_of_import_fits",
        "reliability/test_import_orders.py::test_pytorch_may_come_first_or_last",
    ),
    bar(
        "F2", "macOS: libomp of several wheels in one process", elsewhere="needs a macOS runner: the same command there"
    ),
    bar(
        "F3",
        "nested searches take 1.15 times, four fits at once 1.2 times, 200 rows 1.2 times one thread",
        "reliability/test_threads_of_users.py::test_a_search_in_two_jobs_beside_one_thread_each",
        "reliability/test_threads_of_users.py::test_fits_of_a_threaded_search_take_one_thread_each",
        "reliability/test_threads_of_users.py::test_four_threads_that_fit_at_once",
        "reliability/test_threads_of_users.py::test_a_short_series_with_the_default_threads",
        "test_threads.py::test_a_limit_by_threadpoolctl_counts",
        "test_threads.py::test_the_environment_orders_threads_and_the_weights_stay_the_same",
    ),
    bar(
        "F4",
        "12 files of a container's quota give the right number; one core is one thread",
        "reliability/test_container_limits.py::test_a_quota_is_rounded_up_and_no_file_ends_in_an_exception",
        "reliability/test_container_limits.py::test_a_number_that_is_ordered_goes_before_the_quota",
        "test_threads.py::test_a_process_on_one_core_uses_one_thread",
    ),
    bar(
        "F5",
        "each region names its threads, no setting changes",
        "test_codebase.py::test_threads_are_a_matter_of_the_call",
    ),
    bar(
        "F6",
        "no instruction that the processor lacks",
        "test_process.py::test_an_instruction_set_that_the_processor_lacks_is_refused_by_name",
        "test_process.py::test_the_environment_forces_an_instruction_set",
    ),
    bar("F6", "fits on an emulated processor of 2008", elsewhere=f"{CI}, step 5"),
    bar(
        "F7",
        "the state of floating point is as before in caller, pool and new threads; same bits under any",
        "test_process.py::test_a_call_leaves_the_control_word_as_it_was",
        "test_process.py::test_bits_do_not_depend_on_the_callers_control_word",
        "test_codebase.py::test_the_build_never_trades_exactness_or_portability_for_speed",
        "reliability/test_floating_point.py::test_a_call_leaves_the_control_word_of_every_thread_of_the_pool",
    ),
    bar(
        "F8",
        "no subnormal value in states and gradients of 51 saturating networks",
        "reliability/test_floating_point.py::test_no_state_and_no_gradient_is_subnormal",
    ),
    bar(
        "F9",
        "500 generated bad values: refused by column and stamp, saved bytes of the model unchanged",
        "reliability/test_bad_values.py::test_bad_values_are_refused_with_their_place_and_the_model_stays",
    ),
    bar(
        "F10",
        "840 explosive fits: 0 weights and 0 forecasts that are not finite",
        "reliability/test_explosions.py::test_weights_and_forecasts_stay_finite",
    ),
    bar(
        "F11",
        "sizes beyond memory are refused; millions of windows in 32 bits",
        "test_many_windows.py::test_numbers_of_windows_take_four_bytes_where_there_are_many",
        "test_file_damage.py::test_an_absurd_size_is_not_believed",
        "test_inside.py::test_more_values_than_fit_into_memory_are_refused_with_the_number_of_windows_that_do",
    ),
    bar(
        "F12",
        "the k-th allocation fails, every k of fit, predict, save, load: MemoryError, object as before",
        "reliability/test_no_memory.py::test_every_allocation_that_fails_is_a_memory_error_and_the_model_is_as_before",
    ),
    bar(
        "F13",
        "no exception leaves a parallel region: kernels have none, memory is taken outside",
        "test_codebase.py::test_kernels_know_no_standard_library_and_cannot_fail",
        "reliability/test_no_memory.py::test_every_allocation_that_fails_is_a_memory_error_and_the_model_is_as_before",
    ),
    bar(
        "F14",
        "windows are never copied: 10^6 rows within 64 MB",
        "test_process.py::test_windows_are_never_copied_out_of_a_long_series",
        "test_model_selection.py::test_a_hundred_origins_of_414_series_take_less_than_a_gigabyte",
    ),
    bar(
        "F15",
        "any layout and kind of numbers: same bits, input untouched",
        "test_rnn.py::test_the_layout_of_memory_does_not_matter",
        "test_rnn.py::test_any_kind_of_number_will_do",
        "test_own_memory.py::test_a_frame_written_to_after_fit_changes_no_bit",
    ),
    bar(
        "F16",
        "every kind of label goes on and comes back",
        "test_time_axis.py::test_every_kind_of_label_goes_on_and_comes_back_from_a_pickle",
    ),
    bar("F16", "oldest and newest pandas", elsewhere=f"{CI}, step 3"),
    bar(
        "F17",
        "copies and pickles have the same bits; files of every release load",
        "test_sklearn.py::test_a_copy_of_a_fitted_model_forecasts_the_same_bits_and_goes_on_the_same",
        "test_golden_models.py::test_a_model_of_an_earlier_release_forecasts_what_it_forecast_then",
    ),
    bar("F18", "nothing of ours unpickles or evaluates", "test_codebase.py::test_no_file_is_loaded_by_executing_it"),
    bar(
        "F19",
        "Ctrl-C at 50 moments in fit, predict, search, backtest, update, command line: 200 ms, object as before",
        "test_interrupts.py::test_an_interrupt_is_answered_at_once",
        "reliability/test_interrupts_of_users.py::test_an_interrupt_is_answered_and_the_object_is_as_before",
        "reliability/test_interrupts_of_users.py::test_the_command_line_ends_with_130_and_leaves_no_file",
    ),
    bar(
        "F20",
        "8 threads, 1,000 calls on one object: same bits; 2 threads 1.8 times the throughput",
        "reliability/test_threads_of_users.py::test_eight_threads_get_the_same_bits_from_one_object",
        "reliability/test_threads_of_users.py::test_two_threads_predict_nearly_twice_as_much",
        "test_bits.py::test_calls_at_the_same_time_do_not_share_scratch",
    ),
    bar("F21", "free-threaded Python", elsewhere="needs a 3.14t interpreter: the same command there"),
    bar(
        "F22",
        "a sub-interpreter is refused in words, 20 of 20, before and after the main one imports",
        "test_alone.py::test_a_sub_interpreter_refuses_the_import_in_words",
    ),
    bar(
        "F23",
        "same model file and forecast for any threads, repeat, process, environment and batch split",
        "reliability/test_same_files.py::test_files_and_forecasts_have_the_same_bytes",
        "reliability/test_same_files.py::test_any_split_of_a_batch_is_forecast_alike",
        "test_bits.py::test_weights_have_the_same_bits_for_any_number_of_threads",
        "test_bits.py::test_twenty_runs_give_the_same_bits",
    ),
    bar(
        "F24",
        "a scrambled future moves no bit: 200 cases",
        "test_leakage.py::test_a_scrambled_future_moves_no_bit_before_the_cut",
    ),
    bar(
        "F24",
        "planted leaks are found",
        "test_leakage.py::test_a_scaler_fitted_on_all_rows_is_found",
        "test_leakage.py::test_what_is_done_to_the_frame_beforehand_is_checked_as_well",
        "test_leakage.py::test_a_regressor_that_looks_at_the_frame_is_found",
        "test_leakage.py::test_a_splitter_that_knows_the_future_is_found",
    ),
    bar(
        "F25",
        "forecasts go on as pandas does, 10 zones x spring and autumn x 6 frequencies",
        "test_time_axis.py::test_forecasts_go_on_as_pandas_does_across_a_change_of_the_clock",
        "test_time_axis.py::test_there_are_a_hundred_and_twenty_of_them",
    ),
    bar(
        "F26",
        "12 corruptions x 50 frames refused, 204 clean frames never",
        "test_corruptions.py::test_corrupt_frames_are_refused_with_column_and_stamp",
        "test_corruptions.py::test_future_frames_that_do_not_fit_are_refused_with_series_and_first_missing_stamp",
        "test_corruptions.py::test_clean_frames_are_never_refused",
    ),
    bar(
        "F27",
        "300 cycles: below 4 kB each, threads and descriptors constant",
        "reliability/test_many_cycles.py::test_memory_threads_and_descriptors_stay",
    ),
    bar(
        "F28",
        "at most 4 parallel regions a step, whatever the lookback; 3 times as long beside a busy machine",
        "reliability/test_parallel_regions.py::test_regions_do_not_grow_with_the_windows",
        "reliability/test_parallel_regions.py::test_a_fit_beside_two_busy_processes",
    ),
    bar(
        "T1",
        "scikit-learn's checks, none left out",
        "test_sklearn.py::test_every_check_passes",
        "test_sklearn.py::test_every_check_passes_in_single_precision",
    ),
    bar(
        "T2",
        "the contract of a forecaster",
        "test_promises.py::test_an_argument_changes_the_forecast",
        "test_series.py::test_forecast_continues_the_index_with_zone_frequency_and_name",
        "test_update.py::test_forecasts_are_those_of_the_whole_history_to_the_bit",
    ),
    bar(
        "T3",
        "ASan + UBSan over the suite of the core: 0 reports; TSan over the native program: 0 reports",
        elsewhere=SCRIPTS,
    ),
    bar("T4", "valgrind on one fit of each family: 0 invalid or uninitialised reads of ours", elsewhere=SCRIPTS),
    bar("T5", "door: 10^5 random calls under ASan + UBSan; loader: 10^6 mutants", elsewhere=SCRIPTS),
    bar(
        "T6",
        "properties on random series",
        "test_properties.py::test_normalize_and_restore_undo_each_other",
        "test_properties.py::test_a_shift_of_all_stamps_shifts_the_forecast_and_nothing_else",
        "test_properties.py::test_order_of_series_changes_no_forecast",
        "test_properties.py::test_windows_predicted_in_parts_have_the_bits_of_all_at_once",
        "test_properties.py::test_a_pickled_forecaster_has_the_same_bits",
    ),
    bar(
        "T7",
        "planted faults of gradients are caught, slopes agree",
        "test_gradients.py::test_a_planted_fault_is_caught",
        "test_gradients.py::test_gradients_are_slopes_of_the_loss",
    ),
    bar(
        "T8",
        "parity with PyTorch by golden files",
        "test_golden.py::test_outputs_agree_with_pytorch",
        "test_golden.py::test_gradients_agree_with_pytorch",
        "test_golden.py::test_fifty_adam_steps_follow_pytorchs_loss_curve",
    ),
    bar("T9", "150 planted faults, 90 % found", elsewhere=SCRIPTS),
    bar(
        "T10",
        "20 runs of the suite in random order",
        elsewhere="needs hours: for i in $(seq 20); do pytest -p randomly; done",
    ),
    bar(
        "T11",
        "every instruction set has its recorded bits",
        "test_same_bits.py::test_every_instruction_set_gives_the_recorded_bits",
    ),
    bar("T12", "what a wheel holds and needs", elsewhere=f"{CI}, outside of the clone"),
    bar(
        "T13",
        "one command, one table",
        "reliability/test_promised.py::test_every_item_has_a_bar",
        "reliability/test_promised.py::test_every_bar_names_tests_that_exist",
    ),
    bar(
        "K1",
        "every promise has a test",
        "reliability/test_promised.py::test_every_promise_names_tests_that_exist",
        "reliability/test_promised.py::test_nothing_asks_for_the_network",
        "reliability/test_promised.py::test_nothing_is_written_unless_asked",
    ),
    bar(
        "K2",
        "the library of safetensors reads a model file",
        "test_file_damage.py::test_the_library_of_safetensors_reads_a_model_file",
        "test_file_damage.py::test_tensors_lie_where_their_dtype_wants_them",
    ),
    bar(
        "K3",
        "every changed byte and every truncation is refused; made-up files too",
        "test_file_damage.py::test_any_byte_that_changed_is_found",
        "test_file_damage.py::test_a_file_cut_short_anywhere_is_refused",
        "test_file_refusals.py::test_a_file_that_was_made_up_is_refused",
        "test_file_values.py::test_whatever_a_stranger_changes_is_a_model_or_an_error_of_the_file",
    ),
    bar(
        "K4",
        "a save that is killed or fails leaves the whole old file",
        "test_file_damage.py::test_a_process_killed_while_it_saves_leaves_the_old_model",
        "test_file_damage.py::test_a_failure_leaves_the_old_file_and_nothing_else",
        "test_file_damage.py::test_a_link_stays_a_link",
    ),
    bar(
        "K5",
        "files of every release load and go on",
        "test_golden_models.py::test_a_model_of_an_earlier_release_goes_on",
        "test_file_refusals.py::test_another_version_is_refused_in_a_sentence",
    ),
    bar("K6", "other files under the name of a model are refused", "test_file_damage.py::test_another_file_is_refused"),
    bar("K7", "files hold no foreign class", "test_file_refusals.py::test_a_class_of_ones_own_is_refused_by_name"),
    bar("K8", "rules of the host (branches, tokens, pinned actions)", elsewhere="needs the host: ossf/scorecard there"),
    bar("P8", "build and tests from a clean copy, outside of the clone", elsewhere=f"{CI}, step 1"),
    bar("P9", "two builds have the same bytes", elsewhere="run by nox -s reproducible, and by the workflow of wheels"),
    bar(
        "P11",
        "a manylinux_2_28 wheel, audited",
        elsewhere="needs the container of cibuildwheel; Windows and macOS their runners",
    ),
)
