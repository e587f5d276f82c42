#compdef plumb
# Completes plumb's words in zsh: source <(plumb completions zsh), or put this as _plumb into a folder of fpath.
# At every TAB plumb is asked, so ports, processes and containers are those of this moment.
_plumb() {
    local -a answers shown
    local answer about line
    # Between quotes zsh hides the one that is open.
    line="${LBUFFER%$PREFIX}$QIPREFIX$PREFIX"
    while IFS=$'\t' read -r answer about; do
        answers+=("$answer")
        shown+=("$answer${about:+  -- $about}")
    done < <(command plumb complete-line zsh "$line" 2>/dev/null)
    (( $#answers )) && compadd -l -d shown -a answers
}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
    _plumb "$@"
else
    compdef _plumb plumb
fi
