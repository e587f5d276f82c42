# Completes plumb's words in bash: source <(plumb completions bash)
# At every TAB plumb is asked, so ports, processes and containers are those of this moment.
_plumb() {
    local answer
    COMPREPLY=()
    while IFS= read -r answer; do
        COMPREPLY+=("$answer")
    done < <(command plumb complete-line bash "${COMP_LINE:0:COMP_POINT}" "$2" 2>/dev/null)
    # Between quotes more may follow, so they stay open.
    if [[ ${COMP_LINE:0:COMP_POINT} == *[\'\"]* || ${COMPREPLY[0]} == */ ]]; then
        compopt -o nospace 2>/dev/null
    fi
}
complete -F _plumb plumb
